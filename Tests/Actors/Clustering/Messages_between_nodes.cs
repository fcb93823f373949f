using System.Diagnostics;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Serialization;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Clustering;

public sealed class Messages_between_nodes : IDisposable
{
    private static readonly PersistenceId s_id = new("counter", new VaultId("vault"), "a");

    private static readonly ActivityContext s_asked = new(
        ActivityTraceId.CreateFromString("0af7651916cd43dd8448eb211c80319c"),
        ActivitySpanId.CreateFromString("b7ad6b7169203331"), ActivityTraceFlags.Recorded, isRemote: true);

    private static readonly TellCommand<CounterCommand> s_command = new(
        new CommandEnvelope<CounterCommand>(
            new CommandId(new Guid("00112233-4455-6677-8899-aabbccddeeff")), "me", new CounterCommand.Add(7), "digest"),
        s_asked);

    private readonly ActorSystem _system = SystemOf(new CounterCodec());

    public static TheoryData<string, string> Released { get; } = new()
    {
        { "to-entity.v1",
            "94A7636F756E746572A77661756C747C61AA636F6D6D616E642E7631C46B98C41033221100554477668899AABBCCDDEE"
            + "FFA26D65A6646967657374B6636F756E7465722E636F6D6D616E642E6164642E7631C40137D920306166373635313931"
            + "3663643433646438343438656232313163383033313963B06237616436623731363932303333333101" },
        { "accepted.v1", "912A" },
        { "refused.v1", "92A46E6F7065A9546F6F206D7563682E" },
        { "unavailable.v1", "92B36A6F75726E616C2D756E617661696C61626C65A446756C6C" },
        { "quarantined.v1", "91A742726F6B656E2E" },
        { "view.v1", "94A7636F756E746572010CC403303B30" },
        { "retake.v1", "94A6746F74616C73A7636F756E746572A57661756C74A161" },
        { "rebuild.v1", "91A6746F74616C73" },
        { "projection-answer.v1", "91C0" },
        { "quarantine-lifted.v1", "90" },
        { "not-delivered.v1", "90" },
        { "feed-grew.v1", "90" },
    };

    public void Dispose() => _system.Dispose();

    [Theory]
    [MemberData(nameof(Released))]
    public void Have_the_bytes_that_were_released_and_come_back_as_they_were(string manifest, string bytes)
    {
        var message = Message(manifest);
        var serializer = Assert.IsType<EntityMessageSerializer>(_system.Serialization.FindSerializerFor(message));

        Assert.Equal(manifest, serializer.Manifest(message));
        Assert.Equal(bytes, Convert.ToHexString(serializer.ToBinary(message)));
        var read = serializer.FromBinary(Convert.FromHexString(bytes), manifest);
        Assert.Equal(
            message is EntityView<CounterState> ? message.ToString() : message, message is EntityView<CounterState>
                ? read.ToString() : read);
    }

    [Fact]
    public void Are_refused_when_no_serializer_knows_them()
    {
        var message = new Uri("http://127.0.0.1");

        var refused = Assert.Throws<SerializationException>(
            () => _system.Serialization.FindSerializerFor(message).ToBinary(message));

        Assert.Equal("System.Uri must not leave the process: no serializer is registered for it.", refused.Message);
        Assert.Throws<SerializationException>(
            () => _system.Serialization.Deserialize([123, 125], serializerId: 1, manifest: "System.Uri"));
    }

    [Theory]
    [MemberData(nameof(Released))]
    public void Are_refused_when_they_are_damaged(string manifest, string bytes)
    {
        var serializer = (SerializerWithStringManifest)_system.Serialization.FindSerializerFor(Message(manifest));
        var whole = Convert.FromHexString(bytes);
        Assert.Throws<SerializationException>(() => serializer.FromBinary(whole, manifest + "x"));
        for (var length = 0; length < whole.Length; length++)
        {
            Assert.Throws<SerializationException>(() => serializer.FromBinary(whole[..length], manifest));
        }

        for (var at = 0; at < whole.Length; at++)
        {
            byte[] flipped = [.. whole];
            flipped[at] ^= 0xFF;
            try
            {
                _ = serializer.FromBinary(flipped, manifest);
            }
            catch (SerializationException)
            {
                // Refused, as it should be when the damage shows.
            }
        }
    }

    [Fact]
    public void Of_a_newer_version_are_answered_with_the_reason()
    {
        using var newer = SystemOf(new NewerCodec());
        var theirs = (SerializerWithStringManifest)newer.Serialization.FindSerializerFor(Message("to-entity.v1"));
        var ours = (SerializerWithStringManifest)_system.Serialization.FindSerializerFor(Message("to-entity.v1"));

        var letter = (ToEntity)ours.FromBinary(theirs.ToBinary(Message("to-entity.v1")), "to-entity.v1");
        Assert.Contains("counter.command.add.v2", Assert.IsType<UnreadableCommand>(letter.Message).Why,
            StringComparison.Ordinal);
        var view = Assert.IsType<CommandReply.Unavailable>(
            ours.FromBinary(theirs.ToBinary(Message("view.v1")), "view.v1"));
        Assert.Equal(
            "The state from another node cannot be read: it has form 2, and this node reads form 1; run the same "
                + "version on all nodes.",
            view.Message);
    }

    private static object Message(string manifest) => manifest switch
    {
        "to-entity.v1" => new ToEntity(s_id.Type, EntityAddress.Of(s_id), s_command),
        "accepted.v1" => new CommandReply.Accepted(42),
        "refused.v1" => new CommandReply.Refused(new RefusalOfNode("nope", "Too much.")),
        "unavailable.v1" => new CommandReply.Unavailable(UnavailableReason.JournalUnavailable, "Full"),
        "quarantined.v1" => new CommandReply.Quarantined("Broken."),
        "view.v1" => new EntityView<CounterState>(Counter.Initial, 12),
        "retake.v1" => new RetakeEntity("totals", s_id),
        "rebuild.v1" => new RebuildProjection("totals"),
        "projection-answer.v1" => new ProjectionAnswer(null),
        "quarantine-lifted.v1" => QuarantineLifted.Instance,
        "not-delivered.v1" => NotDelivered.Instance,
        "feed-grew.v1" => FeedGrew.Instance,
        _ => throw new ArgumentOutOfRangeException(nameof(manifest), manifest, "Not a message."),
    };

    /// <summary>Writes commands and states in forms that this version does not know.</summary>
    private sealed class NewerCodec : IEntityCodec<CounterState, CounterCommand, CounterEvent>
    {
        private readonly CounterCodec _codec = new();

        public int SnapshotVersion => 2;

        public EncodedEvent Encode(CounterEvent @event) => _codec.Encode(@event);

        public CounterEvent Decode(string name, ReadOnlyMemory<byte> payload) => _codec.Decode(name, payload);

        public EncodedCommand EncodeCommand(CounterCommand command) =>
            _codec.EncodeCommand(command) with { Name = "counter.command.add.v2" };

        public CounterCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload) =>
            _codec.DecodeCommand(name, payload);

        public byte[] EncodeState(CounterState state) => _codec.EncodeState(state);

        public CounterState DecodeState(ReadOnlyMemory<byte> payload) => _codec.DecodeState(payload);
    }

    private static ActorSystem SystemOf(IEntityCodec<CounterState, CounterCommand, CounterEvent> codec) =>
        ActorSystem.Create("messages", ActorSystemSetup.Create(
            BootstrapSetup.Create().WithConfig(EngineConfiguration.Compose("", null, "akka.loglevel = OFF")),
            new EntityWireSetup(
                [new EntityWire<CounterState, CounterCommand, CounterEvent>(Counter.TypeName, codec)])));
}

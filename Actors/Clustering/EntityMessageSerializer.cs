// How messages between nodes are written: one MessagePack array each, whose elements never change their meaning. A
// reader takes the elements it knows and skips any that follow. The manifest names the form:
//
//   to-entity.v1          0 type   1 entity   2 manifest of the message   3 the message (bin)
//   command.v1            0 command id (bin, 16 bytes)   1 actor   2 digest or nil   3 name   4 payload (bin)
//                         5 trace id or nil   6 span id or nil   7 trace flags
//   accepted.v1           0 sequence            refused.v1      0 code   1 message
//   unavailable.v1        0 reason   1 message  quarantined.v1  0 cause
//   view.v1               0 type   1 form of the state   2 sequence   3 state (bin)
//   retake.v1             0 projection   1 type   2 vault   3 entity
//   rebuild.v1            0 projection          projection-answer.v1   0 trouble or nil
//   show-state.v1, lift-quarantine.v1, quarantine-lifted.v1, wake.v1, not-delivered.v1, feed-grew.v1   (empty)
using System.Buffers;
using System.Diagnostics;
using System.Runtime.Serialization;
using Akka.Actor;
using Akka.Serialization;
using MessagePack;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>The Akka serializer of the engine's messages between nodes.</summary>
internal sealed class EntityMessageSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>The largest message between nodes, in bytes.</summary>
    public const int LargestMessage = 8 * 1024 * 1024;

    /// <summary>The configuration that binds the messages to this serializer, and everything else to none.</summary>
    internal const string Configuration = """
        akka.actor {
          serializers {
            engine-message =
              "ReplicationEngine.Actors.Clustering.EntityMessageSerializer, ReplicationEngine.Actors"
            json = "ReplicationEngine.Actors.Clustering.RefusingSerializer, ReplicationEngine.Actors"
          }
          serialization-bindings {
            "ReplicationEngine.Actors.Entities.IClusterMessage, ReplicationEngine.Actors" = engine-message
          }
        }
        """;

    private const string Letter = "to-entity.v1";
    private const string Command = "command.v1";
    private const string Show = "show-state.v1";
    private const string Lift = "lift-quarantine.v1";
    private const string Waking = "wake.v1";
    private const string Accepted = "accepted.v1";
    private const string Refused = "refused.v1";
    private const string Unavailable = "unavailable.v1";
    private const string Quarantined = "quarantined.v1";
    private const string View = "view.v1";
    private const string Lifted = "quarantine-lifted.v1";
    private const string Undelivered = "not-delivered.v1";
    private const string Grew = "feed-grew.v1";
    private const string Retake = "retake.v1";
    private const string Rebuild = "rebuild.v1";
    private const string Answer = "projection-answer.v1";

    private readonly IReadOnlyDictionary<string, IEntityWire> _wires =
        system.Settings.Setup.Get<EntityWireSetup>() is { HasValue: true } setup
            ? setup.Value.Wires : new Dictionary<string, IEntityWire>(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override int Identifier => 9002;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        ToEntity => Letter,
        CommandReply.Accepted => Accepted,
        CommandReply.Refused => Refused,
        CommandReply.Unavailable => Unavailable,
        CommandReply.Quarantined => Quarantined,
        QuarantineLifted => Lifted,
        NotDelivered => Undelivered,
        FeedGrew => Grew,
        RetakeEntity => Retake,
        RebuildProjection => Rebuild,
        ProjectionAnswer => Answer,
        _ => _wires.Values.Any(wire => wire.IsView(o)) ? View : throw Unknown(o),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        Write(ref writer, obj);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            var reader = new MessagePackReader(bytes);
            reader.ReadArrayHeader();
            return Read(ref reader, manifest);
        }
        catch (Exception exception) when (exception is MessagePackSerializationException or EndOfStreamException
            or InvalidOperationException or ArgumentException or OverflowException)
        {
            throw new SerializationException($"The message {manifest} from another node is damaged.", exception);
        }
    }

    private void Write(ref MessagePackWriter writer, object message)
    {
        switch (message)
        {
            case ToEntity letter:
                WriteLetter(ref writer, letter);
                break;
            case CommandReply.Accepted accepted:
                writer.WriteArrayHeader(1);
                writer.Write(accepted.Sequence);
                break;
            case CommandReply.Refused refused:
                WriteTexts(ref writer, refused.Refusal.Code, refused.Refusal.Message);
                break;
            case CommandReply.Unavailable unavailable:
                WriteTexts(ref writer, NameOf(unavailable.Reason), unavailable.Message);
                break;
            case CommandReply.Quarantined quarantined:
                WriteTexts(ref writer, quarantined.Cause);
                break;
            case RetakeEntity retake:
                WriteTexts(
                    ref writer, retake.Projection, retake.Id.Type, retake.Id.Vault.Value, retake.Id.Entity);
                break;
            case RebuildProjection rebuild:
                WriteTexts(ref writer, rebuild.Projection);
                break;
            case ProjectionAnswer answer:
                WriteTexts(ref writer, answer.Trouble);
                break;
            case QuarantineLifted or NotDelivered or FeedGrew:
                writer.WriteArrayHeader(0);
                break;
            default:
                WriteView(ref writer, message);
                break;
        }
    }

    private object Read(ref MessagePackReader reader, string manifest) => manifest switch
    {
        Letter => ReadLetter(ref reader),
        Accepted => new CommandReply.Accepted(reader.ReadInt64()),
        Refused => new CommandReply.Refused(new RefusalOfNode(Text(ref reader), Text(ref reader))),
        Unavailable => new CommandReply.Unavailable(ReasonOf(Text(ref reader)), Text(ref reader)),
        Quarantined => new CommandReply.Quarantined(Text(ref reader)),
        View => ReadView(ref reader),
        Lifted => QuarantineLifted.Instance,
        Undelivered => NotDelivered.Instance,
        Grew => FeedGrew.Instance,
        Retake => new RetakeEntity(Text(ref reader), new PersistenceId(
            Text(ref reader), new VaultId(Text(ref reader)), Text(ref reader))),
        Rebuild => new RebuildProjection(Text(ref reader)),
        Answer => new ProjectionAnswer(reader.ReadString()),
        _ => throw new SerializationException(
            $"The message {manifest} from another node is not known here; run the same version on all nodes."),
    };

    private void WriteLetter(ref MessagePackWriter writer, ToEntity letter)
    {
        writer.WriteArrayHeader(4);
        writer.Write(letter.Type);
        writer.Write(letter.Entity);
        switch (letter.Message)
        {
            case ShowState:
                WriteInner(ref writer, Show, []);
                break;
            case LiftQuarantine:
                WriteInner(ref writer, Lift, []);
                break;
            case Wake:
                WriteInner(ref writer, Waking, []);
                break;
            default:
                var parts = WireOf(letter.Type).Take(letter.Message) ?? throw Unknown(letter.Message);
                WriteInner(ref writer, Command, Bytes(parts));
                break;
        }
    }

    private ToEntity ReadLetter(ref MessagePackReader reader)
    {
        var (type, entity, manifest) = (Text(ref reader), Text(ref reader), Text(ref reader));
        var bytes = Bin(ref reader);
        var wire = WireOf(type);
        return new ToEntity(wire.Type, entity, manifest switch
        {
            Show => ShowState.Instance,
            Lift => LiftQuarantine.Instance,
            Waking => Wake.Instance,
            Command => wire.Make(Parts(bytes)),
            _ => new UnreadableCommand(manifest),
        });
    }

    private void WriteView(ref MessagePackWriter writer, object reply)
    {
        var wire = _wires.Values.FirstOrDefault(each => each.IsView(reply)) ?? throw Unknown(reply);
        var parts = wire.TakeView(reply);
        writer.WriteArrayHeader(4);
        writer.Write(wire.Type);
        writer.Write(parts.Version);
        writer.Write(parts.Sequence);
        writer.Write(parts.State);
    }

    private object ReadView(ref MessagePackReader reader)
    {
        var type = Text(ref reader);
        return WireOf(type).MakeView(new ViewParts(reader.ReadInt32(), reader.ReadInt64(), Bin(ref reader)));
    }

    private IEntityWire WireOf(string type) => _wires.GetValueOrDefault(type) ?? throw new SerializationException(
        $"The entity type '{type}' of another node is not registered here; run the same version on all nodes.");

    private static byte[] Bytes(CommandParts parts)
    {
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(8);
        writer.Write(parts.Id.Value.ToByteArray());
        writer.Write(parts.Actor);
        writer.Write(parts.Digest);
        writer.Write(parts.Command.Name);
        writer.Write(parts.Command.Payload);
        var traced = parts.Asked != default;
        writer.Write(traced ? parts.Asked.TraceId.ToHexString() : null);
        writer.Write(traced ? parts.Asked.SpanId.ToHexString() : null);
        writer.Write((int)parts.Asked.TraceFlags);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static CommandParts Parts(byte[] bytes)
    {
        var reader = new MessagePackReader(bytes);
        reader.ReadArrayHeader();
        var (id, actor, digest) = (new CommandId(new Guid(Bin(ref reader))), Text(ref reader), reader.ReadString());
        var command = new EncodedCommand(Text(ref reader), Bin(ref reader));
        var (trace, span, flags) = (reader.ReadString(), reader.ReadString(), reader.ReadInt32());
        var asked = trace is null || span is null ? default : new ActivityContext(
            ActivityTraceId.CreateFromString(trace), ActivitySpanId.CreateFromString(span), (ActivityTraceFlags)flags,
            isRemote: true);
        return new CommandParts(id, actor, digest, command, asked);
    }

    private static void WriteInner(ref MessagePackWriter writer, string manifest, byte[] bytes)
    {
        writer.Write(manifest);
        writer.Write(bytes);
    }

    private static void WriteTexts(ref MessagePackWriter writer, params ReadOnlySpan<string?> texts)
    {
        writer.WriteArrayHeader(texts.Length);
        foreach (var text in texts)
        {
            writer.Write(text);
        }
    }

    private static string Text(ref MessagePackReader reader) =>
        reader.ReadString() ?? throw new MessagePackSerializationException("A text is missing.");

    private static byte[] Bin(ref MessagePackReader reader) => reader.ReadBytes() is { } bytes
        ? bytes.ToArray() : throw new MessagePackSerializationException("Bytes are missing.");

    private static string NameOf(UnavailableReason reason) => reason switch
    {
        UnavailableReason.JournalFull => "journal-full",
        UnavailableReason.JournalUnavailable => "journal-unavailable",
        UnavailableReason.EntityFailed => "entity-failed",
        UnavailableReason.NotRunning => "not-running",
        _ => throw new ArgumentOutOfRangeException(nameof(reason), reason, "Not a reason."),
    };

    // A reason that only a newer node knows: the outcome is unknown, which is never wrong.
    private static UnavailableReason ReasonOf(string name) => name switch
    {
        "journal-full" => UnavailableReason.JournalFull,
        "entity-failed" => UnavailableReason.EntityFailed,
        "not-running" => UnavailableReason.NotRunning,
        _ => UnavailableReason.JournalUnavailable,
    };

    private static SerializationException Unknown(object message) =>
        new($"{message.GetType()} is not a message between nodes.");
}

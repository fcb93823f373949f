using FsCheck;
using FsCheck.Experimental;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Tests.TestKit.Counters;
using ReplicationEngine.Tests.TestKit.Properties;

namespace ReplicationEngine.Tests.Actors.Entities;

/// <summary>
/// The core against a model, under commands delivered once and again, every outcome of a persist, late and repeated
/// answers of effects, timers, exceptions, passivations, restarts, and snapshots at any place, sound and damaged.
/// </summary>
public sealed class Entity_core_against_a_model
{
    [Fact]
    [Trait("Req", "I17")]
    [Trait("Req", "I18")]
    [Trait("Req", "I19")]
    [Trait("Req", "ERR-3")]
    public void A_core_does_what_the_model_does_whatever_happens_to_its_host() =>
        Laws.Hold(250, new CoreMachine(() => new CounterCodec()).ToProperty());

    [Theory]
    [InlineData(CodecBug.SnapshotsLoseWork)]
    [InlineData(CodecBug.SnapshotsLoseTimers)]
    [InlineData(CodecBug.LargeAmountsAreCut)]
    public void A_core_over_a_codec_with_a_bug_is_told_from_the_model(CodecBug bug)
    {
        var failure = Laws.Fail(400, new CoreMachine(() => new BrokenCodec(bug)).ToProperty());

        Assert.Contains("when ", failure, StringComparison.Ordinal);
        Assert.Contains("then ", failure, StringComparison.Ordinal);
    }

    private sealed class CoreMachine(Func<IEntityCodec<CounterState, CounterCommand, CounterEvent>> codec)
        : Machine<CoreDriver, CoreModel>(30)
    {
        public override Arbitrary<Setup<CoreDriver, CoreModel>> Setup => (
            from snapshotEvery in Gen.Choose(1, 7)
            from remembered in Gen.Choose(1, 4)
            select (Setup<CoreDriver, CoreModel>)new Given(
                new EntityCoreOptions
                {
                    SnapshotEvery = snapshotEvery, RememberedCommands = remembered, RestartBudget = 99,
                },
                codec))
            .ToArbitrary();

        public override Gen<Operation<CoreDriver, CoreModel>> Next(CoreModel model) => CoreOperation.Any;
    }

    private sealed class Given(
        EntityCoreOptions options, Func<IEntityCodec<CounterState, CounterCommand, CounterEvent>> codec)
        : Setup<CoreDriver, CoreModel>
    {
        public override CoreDriver Actual() => new CoreDriver(options) { Codec = codec() }.Restart();

        public override CoreModel Model() => CoreModel.Empty;

        public override string ToString() =>
            $"given an entity with a snapshot every {options.SnapshotEvery} events that remembers "
            + $"{options.RememberedCommands} commands";
    }
}

/// <summary>What a codec can do wrong.</summary>
public enum CodecBug
{
    SnapshotsLoseWork,
    SnapshotsLoseTimers,
    LargeAmountsAreCut,
}

/// <summary>The codec of counters with one deliberate bug.</summary>
internal sealed class BrokenCodec(CodecBug bug) : IEntityCodec<CounterState, CounterCommand, CounterEvent>
{
    private readonly CounterCodec _codec = new();

    public int SnapshotVersion => _codec.SnapshotVersion;

    public EncodedEvent Encode(CounterEvent @event) => _codec.Encode(
        bug == CodecBug.LargeAmountsAreCut && @event is CounterEvent.Added added
            ? added with { Amount = Math.Min(added.Amount, 5) } : @event);

    public CounterEvent Decode(string name, ReadOnlyMemory<byte> payload) => _codec.Decode(name, payload);

    public EncodedCommand EncodeCommand(CounterCommand command) => _codec.EncodeCommand(command);

    public CounterCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload) =>
        _codec.DecodeCommand(name, payload);

    public byte[] EncodeState(CounterState state) => _codec.EncodeState(bug switch
    {
        CodecBug.SnapshotsLoseWork => state with { Work = [] },
        CodecBug.SnapshotsLoseTimers => state with { Timers = state.Timers.Clear() },
        _ => state,
    });

    public CounterState DecodeState(ReadOnlyMemory<byte> payload) => _codec.DecodeState(payload);
}

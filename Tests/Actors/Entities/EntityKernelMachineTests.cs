using FsCheck;
using FsCheck.Experimental;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Tests.Actors.Counters;
using ReplicationEngine.Tests.TestKit.Properties;

namespace ReplicationEngine.Tests.Actors.Entities;

/// <summary>
/// The kernel against a model, under commands delivered once and again, every outcome of an append, late and repeated
/// answers of effects, timers, restarts, and snapshots at any place.
/// </summary>
public sealed class EntityKernelMachineTests
{
    [Fact]
    [Trait("Req", "I17")]
    [Trait("Req", "I18")]
    [Trait("Req", "I19")]
    [Trait("Req", "ERR-3")]
    public void A_kernel_does_what_the_model_does_whatever_happens_to_its_host() =>
        Laws.Hold(250, new KernelMachine(() => new CounterCodec()).ToProperty());

    [Theory]
    [InlineData(CodecBug.SnapshotsLoseWork)]
    [InlineData(CodecBug.SnapshotsLoseTimers)]
    [InlineData(CodecBug.LargeAmountsAreCut)]
    public void A_kernel_over_a_codec_with_a_bug_is_told_from_the_model(CodecBug bug)
    {
        var failure = Laws.Fail(400, new KernelMachine(() => new BrokenCodec(bug)).ToProperty());

        Assert.Contains("when ", failure, StringComparison.Ordinal);
        Assert.Contains("then ", failure, StringComparison.Ordinal);
    }

    private sealed class KernelMachine(Func<IEntityCodec<CounterState, CounterCommand, CounterEvent>> codec)
        : Machine<KernelDriver, KernelModel>(30)
    {
        public override Arbitrary<Setup<KernelDriver, KernelModel>> Setup => (
            from snapshotEvery in Gen.Choose(1, 7)
            from remembered in Gen.Choose(1, 4)
            select (Setup<KernelDriver, KernelModel>)new Given(
                new EntityKernelOptions { SnapshotEvery = snapshotEvery, RememberedCommands = remembered }, codec))
            .ToArbitrary();

        public override Gen<Operation<KernelDriver, KernelModel>> Next(KernelModel model) => KernelOperation.Any;
    }

    private sealed class Given(
        EntityKernelOptions options, Func<IEntityCodec<CounterState, CounterCommand, CounterEvent>> codec)
        : Setup<KernelDriver, KernelModel>
    {
        public override KernelDriver Actual() => new KernelDriver(options) { Codec = codec() }.Restart();

        public override KernelModel Model() => KernelModel.Empty;

        public override string ToString() =>
            $"given a kernel with a snapshot every {options.SnapshotEvery} events that remembers "
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

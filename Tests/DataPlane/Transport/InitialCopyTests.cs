using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Tests.DataPlane.Transport.Fakes;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class InitialCopyTests
{
    private const int Mebi = 1 << 20;

    [Fact]
    [Trait("Req", "REP-1")]
    public async Task An_empty_replica_ends_up_equal_and_out_of_resync()
    {
        var rig = Rig(out _);
        var sessions = await rig.DrainAsync(cancellationToken: TestContext.Current.CancellationToken);
        rig.AssertEqual();
        Assert.False(rig.Sink.Position.Resyncing);
        Assert.Equal(TransferPhase.Streaming, sessions.Send.Progress!.Phase);
        Assert.Equal(rig.Source.Tail, rig.Source.Acknowledged);
        Assert.Empty(rig.Source.DirtyExtents());
    }

    private static SessionRig Rig(out Random random)
    {
        random = new Random(11);
        var source = new MemorySource((12 * Mebi) + 4096, 5 * Mebi);
        var data = new byte[3 * Mebi];
        random.NextBytes(data);
        source.Seed(0, 2 * Mebi, data);
        source.Seed(0, 12 * Mebi, data.AsSpan(0, 4096));
        source.Seed(1, 65536, data.AsSpan(0, 70000));
        source.FreezeBase();
        return new SessionRig(source, new MemorySink((12 * Mebi) + 4096, 5 * Mebi));
    }
}

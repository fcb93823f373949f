using ReplicationEngine.Tests.DataPlane.Transport.Fakes;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class A_resync_over_the_wire
{
    private const int Block = 65536;
    private const int Size = 24 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Trait("Req", "RES-5")]
    [Trait("Req", "I14")]
    public async Task One_percent_changed_costs_little_more_than_the_changed_bytes(bool knowsRoots)
    {
        var rig = await CopiedAsync();
        rig.Sink.KnowsRoots = knowsRoots;
        var random = new Random(3);
        var changed = new HashSet<int>();
        while (changed.Count < Size / Block / 100)
        {
            changed.Add(random.Next(Size / Block));
        }

        rig.Source.Overflow();
        foreach (var block in changed)
        {
            var data = new byte[Block];
            random.NextBytes(data);
            rig.Source.Write(0, (long)block * Block, data);
        }

        rig.Source.EndOverflow();
        rig.Source.MarkAllDirty();
        var (sentBefore, readBefore) = (rig.Sink.ResyncDataBytes, rig.Source.DiskBytesRead);
        var sessions = await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
        var bytes = changed.Count * (long)Block;
        Assert.Equal(bytes, rig.Sink.ResyncDataBytes - sentBefore);
        Assert.True(sessions.SenderWire.Written <= (bytes * 1.05) + (1 << 20),
            $"{sessions.SenderWire.Written} bytes for {bytes}");
        Assert.Equal(Size + bytes, rig.Source.DiskBytesRead - readBefore);
        var progress = sessions.Send.Progress!;
        Assert.Equal(Size >> 22, progress.ExtentsCompared);
        Assert.Equal(knowsRoots ? changed.Select(b => b / 64).Distinct().Count() : Size >> 22,
            progress.ExtentsDifferent);
    }

    [Fact]
    [Trait("Req", "RES-5")]
    public async Task Nothing_changed_costs_a_root_hash_for_each_extent()
    {
        var rig = await CopiedAsync();
        rig.Source.MarkAllDirty();
        var before = rig.Sink.ResyncDataBytes;
        var sessions = await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
        Assert.Equal(before, rig.Sink.ResyncDataBytes);
        Assert.InRange(sessions.SenderWire.Written, 0, 3000);
        Assert.False(rig.Sink.Position.Resyncing);
        Assert.Empty(rig.Source.DirtyExtents());
    }

    [Fact]
    [Trait("Req", "I12")]
    [Trait("Req", "RES-8")]
    public async Task A_replica_that_only_missed_the_end_of_its_resync_is_told_it_again()
    {
        var rig = await CopiedAsync();
        rig.Source.MarkAllDirty();
        var sessions = await rig.StartAsync(cancellationToken: Token);
        rig.Sink.BeforeApply = null;
        await sessions.DrainAsync();
        var ends = rig.Sink.EndResyncs;

        // The replica that forgot its end, with nothing dirty at the source.
        rig.Sink.ForgetEndOfResync();
        await rig.DrainAsync(cancellationToken: Token);
        Assert.Equal(ends + 1, rig.Sink.EndResyncs);
        Assert.False(rig.Sink.Position.Resyncing);
    }

    [Fact]
    [Trait("Req", "I13")]
    public async Task An_extent_is_cleared_only_when_its_blocks_are_durable()
    {
        var rig = await CopiedAsync();
        rig.Source.Overflow();
        rig.Source.Write(0, 5 * Block, [1, 2, 3, 4]);
        rig.Source.EndOverflow();
        var hold = new ManualResetEventSlim();
        var dirtyAtSync = new List<int>();
        rig.Sink.BeforeSync = () =>
        {
            dirtyAtSync.Add(rig.Source.DirtyExtents().Count);
            hold.Wait(TimeSpan.FromSeconds(5), Token);
        };
        var sessions = await rig.StartAsync(cancellationToken: Token);
        await sessions.UntilAsync(p => p.BlockBytes == Block);
        Assert.Single(rig.Source.DirtyExtents());
        hold.Set();
        await sessions.DrainAsync();
        Assert.Equal(1, dirtyAtSync[0]);
        Assert.Empty(rig.Source.DirtyExtents());
        rig.AssertEqual();
    }

    private static async Task<SessionRig> CopiedAsync()
    {
        var source = new MemorySource(Size);
        var data = new byte[Size];
        new Random(5).NextBytes(data);
        source.Seed(0, 0, data);
        source.FreezeBase();
        var rig = new SessionRig(source, new MemorySink(Size));
        await rig.DrainAsync(cancellationToken: Token);
        return rig;
    }
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using Xunit;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

public sealed class Recovery_points_of_a_store
{
    private readonly SimulatedStorage _storage = new(23);
    private readonly StoreDriver _driver;

    public Recovery_points_of_a_store()
    {
        _driver = new StoreDriver(_storage, new Random(23), 400_000);
        _driver.Random.NextBytes(_driver.Disks[0].AsSpan(0, 200_000));
        _driver.Create();
        _driver.StartGeneration();
    }

    [Fact]
    [Trait("Req", "I12")]
    public void A_marker_during_a_resync_makes_no_point_and_is_told_after_a_restart()
    {
        var skipped = _driver.Mark();
        Refused(ReplicaRefusal.Resyncing, () =>
            _driver.Store.SealNow(_driver.NewId(), DateTimeOffset.UnixEpoch, PointKind.Crash));
        _driver.CopyAll(writes: false);
        var made = _driver.Mark();
        _driver.Store.Sync();
        _driver.Reopen();
        Assert.Equal(skipped, Assert.Single(_driver.Store.SkippedMarkers).Id);
        Assert.Equal(made, Assert.Single(_driver.Store.Points).Id);
        var facts = _driver.Store.FactsAfter(0);
        Assert.Equal([typeof(ReplicaFact.PointSkipped), typeof(ReplicaFact.PointSealed)],
            facts.Select(f => f.Fact.GetType()));
        Assert.Single(_driver.Store.FactsAfter(facts[0].Number));
    }

    [Theory]
    [Trait("Req", "I26")]
    [InlineData(-60, -120, -60)]
    [InlineData(-60, -30, -30)]
    [InlineData(86_400, -30, -30)]
    public void A_point_is_not_older_than_the_one_before_it_unless_that_lies_ahead(int first, int second, int told)
    {
        var now = TimeProvider.System.GetUtcNow();
        _driver.CopyAll(writes: false);
        _driver.Store.SealNow(_driver.NewId(), now.AddSeconds(first), PointKind.Crash);
        _driver.Store.SealNow(_driver.NewId(), now.AddSeconds(second), PointKind.Crash);
        Assert.Equal([now.AddSeconds(first), now.AddSeconds(told)], _driver.Store.Points.Select(p => p.Time));
        _driver.Reopen();
        Assert.Equal([now.AddSeconds(first), now.AddSeconds(told)], _driver.Store.Points.Select(p => p.Time));
    }

    [Fact]
    [Trait("Req", "RES-8")]
    public void Points_made_before_a_resync_stay_readable_during_and_after_it()
    {
        _driver.CopyAll(writes: true);
        var old = _driver.Mark();
        _driver.StartGeneration();
        _driver.Random.NextBytes(_driver.Disks[0].AsSpan(100_000, 200_000));
        _driver.CopyBlock(0, 131072);
        _driver.Store.Sync();
        Assert.True(_driver.Store.Position.Resyncing);
        _driver.CheckPoint(old);
        _driver.CopyAll(writes: true);
        var fresh = _driver.Mark();
        _driver.Store.Sync();
        _driver.CheckPoint(old);
        _driver.CheckPoint(fresh);
    }

    [Fact]
    [Trait("Req", "I25")]
    public void Held_exported_overlaid_and_last_points_are_not_pruned()
    {
        _driver.CopyAll(writes: false);
        var ids = Enumerable.Range(0, 4).Select(_ =>
        {
            _driver.Write();
            return _driver.Mark();
        }).ToList();
        _driver.Store.Sync();
        _driver.Store.Hold(ids[0], "drill");
        _driver.Store.CreateOverlay("test", ids[1]);
        var export = _driver.Store.OpenPoint(ids[2]);
        _driver.Reopen();
        using var again = _driver.Store.OpenPoint(ids[2]);
        var result = _driver.Store.Prune(ids);
        Assert.Equal([ids[3]], result.Pruned);
        Assert.Equal([ids[0], ids[1], ids[2]], result.Kept.Select(k => k.Id));
        _driver.Store.Release(ids[0], "drill");
        _driver.Store.DeleteOverlay("test");
        again.Dispose();
        Assert.Equal([ids[0], ids[1]], _driver.Store.Prune(ids).Pruned);
        Assert.Equal(ids[2], Assert.Single(_driver.Store.Points).Id);
        _driver.CheckPoint(ids[2]);
        Assert.Equal(ids[2], export.Point.Id);
    }

    [Fact]
    [Trait("Req", "RCP-6")]
    public void The_digest_depends_on_the_content_alone_whatever_the_layout()
    {
        _driver.CopyAll(writes: false);
        _driver.Mark();
        _driver.Write(30);
        var marked = _driver.Mark();
        _driver.Store.Sync();
        MaintainAll();
        var digest = Digest(marked);
        _driver.Store.Prune([_driver.Store.Points[0].Id]);
        MaintainAll();
        Assert.Equal(true, _driver.Store.Verify(marked).DigestMatches);

        var other = new StoreDriver(new SimulatedStorage(1), new Random(1), 400_000);
        _driver.Points[marked][0].CopyTo(other.Disks[0], 0);
        other.Create();
        other.StartGeneration();
        other.CopyAll(writes: false);
        var copy = other.Mark();
        other.Store.Sync();
        while (other.Store.Maintain(TimeSpan.FromSeconds(1)))
        {
        }

        Assert.Equal(digest, other.Store.Points.Single(p => p.Id == copy).Digest.ToArray());
    }

    [Fact]
    [Trait("Req", "RCP-6")]
    public void Writing_to_a_point_is_refused()
    {
        _driver.CopyAll(writes: false);
        var id = _driver.Mark();
        _driver.Store.Sync();
        using var export = _driver.Store.OpenPoint(id);
        var refusal = Assert.Throws<BlockDeviceException>(() =>
            export.Disks[0].Write([BlockChange.Zeroes(0, 512, false)]));
        Assert.Equal(BlockDeviceException.NotPermitted, refusal.Errno);
    }

    [Fact]
    [Trait("Req", "I25")]
    public void Pruning_gives_back_the_space_of_what_only_pruned_points_needed()
    {
        _driver.CopyAll(writes: false);
        _driver.Mark();
        for (var i = 0; i < 30; i++)
        {
            _driver.Write(20);
            _driver.Mark();
        }

        _driver.Store.Sync();
        MaintainAll();
        var before = Stored();
        _driver.Store.Prune([.. _driver.Store.Points.SkipLast(1).Select(p => p.Id)]);
        MaintainAll();
        _driver.CheckPoints();
        Assert.True(Stored() < before / 4, $"{before} bytes became {Stored()}");
    }

    [Fact]
    public void Holes_and_zeroes_take_no_space_and_are_shown_as_such()
    {
        _driver.CopyAll(writes: false);
        var id = _driver.Mark();
        _driver.Store.Sync();
        using var export = _driver.Store.OpenPoint(id);
        Assert.Equal(new AllocatedRun(200_704, AllocationState.Data), export.Disks[0].NextRun(0, 400_000));
        Assert.Equal(new AllocatedRun(199_296, AllocationState.Hole), export.Disks[0].NextRun(200_704, 199_296));
        Assert.DoesNotContain(_storage.Paths(), n => n.StartsWith("layer-", StringComparison.Ordinal));
    }

    [Fact]
    [Trait("Req", "I23")]
    public void A_deleted_overlay_leaves_nothing_behind()
    {
        _driver.CopyAll(writes: false);
        var id = _driver.Mark();
        _driver.Store.Sync();
        var before = _storage.Paths();
        var overlay = _driver.Store.CreateOverlay("drill", id);
        Assert.False(overlay.HasWrites);
        overlay.Disks[0].Write([BlockChange.Write(1000, new byte[] { 9, 9, 9 })]);
        overlay.Disks[0].Flush();
        Assert.Equal(3, overlay.WrittenBytes);
        _driver.CheckPoint(id);
        _driver.Store.DeleteOverlay("drill");
        Assert.Equal(before, _storage.Paths());
        Refused(ReplicaRefusal.UnknownOverlay, () => _driver.Store.OpenOverlay("drill"));
    }

    private void MaintainAll()
    {
        while (_driver.Store.Maintain(TimeSpan.FromSeconds(1)))
        {
        }
    }

    private byte[] Digest(RecoveryPointId id)
    {
        var point = _driver.Store.Points.Single(p => p.Id == id);
        Assert.Equal(PointGrade.DigestMatched, point.Grade);
        return point.Digest.ToArray();
    }

    private long Stored() => _storage.Paths().Where(n => n.StartsWith("log-", StringComparison.Ordinal)
        || n.StartsWith("compact-", StringComparison.Ordinal)).Sum(_storage.LengthOf);

    private static void Refused(ReplicaRefusal reason, Action action) =>
        Assert.Equal(reason, Assert.Throws<ReplicaRefusedException>(action).Reason);
}

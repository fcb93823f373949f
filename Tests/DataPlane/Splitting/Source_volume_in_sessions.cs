using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using Xunit;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>Replicas that come, come back, and come from elsewhere; and the control plane's wishes.</summary>
public sealed class Source_volume_in_sessions
{
    private readonly SourceWorld _world = new(1);
    private long AllBytes => _world.Volume.Disks.Sum(d => d.SizeBytes);

    [Fact]
    [Trait("Req", "REP-1")]
    public void A_new_volume_is_dirty_all_over_and_becomes_equal()
    {
        using (var file = _world.Storage.Root.Subdirectory("disks").Open("d0", StorageOpen.Existing))
        {
            file.Write(5_000_000, new byte[] { 1, 2, 3 });
        }

        var volume = _world.Open();
        Assert.Equal(AllBytes, volume.Counters().DirtyBytes);
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 5)]);
        _world.Replica.Attach(volume);
        volume.Disk(0).Write([SourceWorld.Write(0, 512, 6)]);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
        Assert.Equal(0, volume.Counters().DirtyBytes);
    }

    [Fact]
    public void A_replica_that_comes_back_goes_on_where_it_stood()
    {
        var volume = _world.OpenInStep();
        var copied = _world.Replica.CopiedBytes;
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 5)]);
        volume.Disk(0).Write([SourceWorld.Write(4096, 4096, 5)]);
        _world.Replica.Pull(volume, 1);
        _world.Replica.Attach(volume);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
        Assert.Equal(copied, _world.Replica.CopiedBytes);
    }

    [Theory]
    [Trait("Req", "RES-1")]
    [InlineData(0, 0)]
    [InlineData(9, 5)]
    [InlineData(2, 1L << 40)]
    public void A_replica_at_a_place_this_volume_cannot_know_gets_everything_again(long generation, long lsn)
    {
        var volume = _world.OpenInStep();
        var at = new ChangePosition(new Generation(generation), new Lsn(lsn));
        var start = volume.Attach(new ReplicaPosition(Term.First, at, Resyncing: false, Empty: generation == 0));
        Assert.Equal(AllBytes, volume.Counters().DirtyBytes);
        Assert.True(start.CompareTo(at) > 0);
        Assert.True(volume.Tail.CompareTo(at) > 0 && volume.Tail.Lsn.Value > lsn);
        var after = start;
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        Assert.True(volume.ReadLog(ref after, buffer, 1) > 0);
        Assert.True(ChangeRecord.TryReadHeader(buffer.WrittenSpan, out var header));
        Assert.Equal((ChangeKind.GenerationStart, volume.Tail), (header.Kind, after));
    }

    [Fact]
    public void A_replica_that_fell_behind_what_it_acknowledged_gets_everything_again()
    {
        var volume = _world.OpenInStep();
        var old = _world.Replica.Applied;
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 5)]);
        _world.Replica.CatchUp(volume);
        volume.Attach(new ReplicaPosition(Term.First, old, Resyncing: false, Empty: false));
        Assert.Equal(AllBytes, volume.Counters().DirtyBytes);
    }

    [Fact]
    public void Acknowledged_segments_are_freed_and_used_again_and_quiet_extents_cleared()
    {
        var volume = _world.OpenInStep();
        for (var i = 0; i < 100; i++)
        {
            volume.Disk(0).Write([SourceWorld.Write(i * 40_000L, 40_000, 1)]);
            _world.Replica.CatchUp(volume);
        }

        Assert.True(volume.Counters().LogBytes < 600 << 10);
        Assert.True(_world.Storage.Paths().Count(p => p.StartsWith("vm/", StringComparison.Ordinal)) < 10);
        _world.Settle();
        Assert.Equal(0, volume.Counters().Disks.Sum(d => d.ActiveBytes));
        _world.Crash(powerCut: false);
        Assert.Equal(0, _world.Open().Counters().Disks.Sum(d => d.ActiveBytes));
    }

    [Fact]
    [Trait("Req", "FOV-8")]
    [Trait("Req", "I15")]
    [Trait("Req", "I16")]
    public void A_fence_refuses_writes_also_after_a_restart_and_keeps_the_tail_for_the_report()
    {
        var volume = _world.OpenInStep();
        _world.Settle();
        volume.Disk(1).Write([SourceWorld.Write(0, 4096, 5)]);
        volume.Fence(new Term(2));
        for (var life = 0; life < 3; life++)
        {
            Assert.Equal(
                BlockDeviceException.NotPermitted,
                Assert.Throws<BlockDeviceException>(() => volume.Disk(0).Write([SourceWorld.Write(0, 1, 1)])).Errno);
            Assert.IsType<MarkerOutcome.Refused>(volume.InsertMarker(default, PointKind.Crash));
            Assert.Contains(volume.UncertainExtents(), e => e is { Disk: 1, Offset: 0 });
            Assert.Equal(new Term(2), volume.Term);
            _world.Crash(powerCut: life == 1);
            volume = _world.Open();
        }

        Assert.Equal(
            SourceVolumeError.StaleTerm,
            Assert.Throws<SourceVolumeException>(() => volume.Unfence(Term.First, true)).Error);
        volume.Unfence(new Term(3), disksUnchanged: false);
        Assert.Equal(AllBytes, volume.Counters().DirtyBytes);
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 1)]);
        _world.Replica.Attach(volume);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    public void A_fenced_volume_redoes_nothing_over_disks_that_were_written_from_below()
    {
        var volume = _world.OpenInStep();
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 5)]);
        volume.Fence(new Term(2));
        _world.Crash(powerCut: false);
        using (var file = _world.Storage.Root.Subdirectory("disks").Open("d0", StorageOpen.Existing))
        {
            file.Write(0, new byte[] { 1, 2, 3 });
        }

        _world.Open();
        Assert.Equal([1, 2, 3, 5], _world.SourceDisk(0)[..4]);
    }

    [Fact]
    [Trait("Req", "I22")]
    public void Quiescing_ends_the_stream_at_the_tail_it_returns()
    {
        var volume = _world.OpenInStep();
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 5)]);
        var tail = volume.Quiesce();
        Assert.Equal(
            BlockDeviceException.Shutdown,
            Assert.Throws<BlockDeviceException>(() => volume.Disk(0).Write([SourceWorld.Write(0, 1, 1)])).Errno);
        _world.Replica.CatchUp(volume);
        Assert.Equal(tail, _world.Replica.Applied);
        _world.AssertInStep();
        volume.Resume();
        volume.Disk(0).Write([SourceWorld.Write(0, 1, 1)]);
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public void A_grown_disk_is_copied_from_its_old_end_and_a_smaller_one_refused()
    {
        var volume = _world.OpenInStep();
        var file = _world.Storage.Root.Subdirectory("disks").Open("d0", StorageOpen.Existing);
        file.SetLength(5 * SourceWorld.Extent);
        file.Write((4 * SourceWorld.Extent) + 9, new byte[] { 9 });
        volume.Resize(0, new FileBlockDevice(file));
        Assert.Equal(2L * SourceWorld.Extent, volume.Counters().DirtyBytes);
        Assert.Equal(5L * SourceWorld.Extent, volume.Disk(0).Length);
        volume.Disk(0).Write([SourceWorld.Write((5 * SourceWorld.Extent) - 512, 512, 3)]);
        _world.Replica.Attach(volume);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
        file.SetLength(SourceWorld.Extent);
        Assert.Equal(
            SourceVolumeError.ShrinkRefused,
            Assert.Throws<SourceVolumeException>(() => volume.Resize(0, new FileBlockDevice(file))).Error);
    }

    [Fact]
    [Trait("Req", "I30")]
    public void Counters_tell_lag_and_the_age_of_the_oldest_change()
    {
        var volume = _world.OpenInStep();
        Assert.Null(volume.Counters().Lag);
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 5)]);
        _world.Time.Advance(TimeSpan.FromSeconds(30));
        volume.Disk(1).Write([SourceWorld.Write(0, 4096, 5)]);
        var counters = volume.Counters();
        Assert.Equal(TimeSpan.FromSeconds(30), counters.Lag);
        Assert.True(counters.LagBytes >= 2 * ChangeRecord.EncodedLength(4096));
        _world.Replica.Pull(volume, 1);
        volume.Acknowledge(_world.Replica.Applied);
        Assert.Equal(TimeSpan.Zero, volume.Counters().Lag);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => volume.Acknowledge(volume.Tail with { Lsn = volume.Tail.Lsn.Next() }));
    }
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using Xunit;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>The guest's side of a volume in good health.</summary>
public sealed class Source_volume_under_writes
{
    private readonly SourceWorld _world = new(1);

    [Fact]
    [Trait("Req", "REP-2")]
    [Trait("Req", "I1")]
    public void Writes_of_all_disks_stand_in_one_order_without_gaps()
    {
        var volume = _world.OpenInStep();
        var before = _world.Replica.Records.Count;
        volume.Disk(0).Write([SourceWorld.Write(0, 512, 1), BlockChange.Zeroes(512, 1024, mayDeallocate: true)]);
        volume.Disk(1).Write([SourceWorld.Write(0, 4096, 2)]);
        volume.Disk(0).Write([SourceWorld.Write(100, 1000, 3)]);
        _world.Replica.CatchUp(volume);
        Assert.Equal(
            [
                (ChangeKind.Write, 0, 0), (ChangeKind.Zeroes, 0, 512),
                (ChangeKind.Write, 1, 0), (ChangeKind.Write, 0, 100),
            ],
            _world.Replica.Records.Skip(before).Select(r => (r.Kind, r.Disk, (int)r.Offset)));
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "REP-3")]
    public void Writes_go_on_without_a_sender()
    {
        var volume = _world.Open();
        for (var i = 0; i < 200; i++)
        {
            volume.Disk(0).Write([SourceWorld.Write(i * 4096, 4096, (byte)i)]);
        }

        Assert.Equal(200, volume.Tail.Lsn.Value - 1);
    }

    [Fact]
    public void A_write_longer_than_a_record_may_be_becomes_several_records()
    {
        const int length = ChangeRecord.MaxDataLength + 12345;
        var world = new SourceWorld(2, 48 << 20) { CacheLimit = 1L << 30 };
        var volume = world.OpenInStep();
        var data = new byte[length];
        new Random(3).NextBytes(data);
        volume.Disk(0).Write([BlockChange.Write(777, data)]);
        world.Replica.CatchUp(volume);
        Assert.Equal(
            [ChangeRecord.MaxDataLength, 12345],
            world.Replica.Records.Where(r => r.Kind == ChangeKind.Write).Select(r => (int)r.Length));
        world.AssertInStep();
    }

    [Fact]
    public void An_empty_change_is_nothing_and_a_range_outside_the_disk_is_refused()
    {
        var volume = _world.OpenInStep();
        var tail = volume.Tail;
        volume.Disk(0).Write([BlockChange.Write(0, default)]);
        volume.Disk(0).Write([]);
        Assert.Throws<ArgumentOutOfRangeException>(
            () => volume.Disk(1).Write([SourceWorld.Write(0, 1, 1), SourceWorld.Write(2 * SourceWorld.Extent, 1, 1)]));
        Assert.Equal(tail, volume.Tail);
    }

    [Fact]
    [Trait("Req", "I1")]
    public async Task Overlapping_writes_under_way_reach_the_disk_in_the_order_of_their_numbers()
    {
        var volume = _world.OpenInStep();
        using var held = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        var isFirst = 1;
        _world.Storage.BeforeWrite = (path, _) =>
        {
            if (path == "disks/d0" && Interlocked.Exchange(ref isFirst, 0) == 1)
            {
                reached.Set();
                held.Wait();
            }
        };

        var token = TestContext.Current.CancellationToken;
        var first = Task.Run(() => volume.Disk(0).Write([SourceWorld.Write(0, 8192, 1)]), token);
        reached.Wait(token);
        var second = Task.Run(() => volume.Disk(0).Write([SourceWorld.Write(4096, 8192, 2)]), token);
        var apart = Task.Run(() => volume.Disk(0).Write([SourceWorld.Write(1 << 20, 512, 3)]), token);

        // The one that touches nothing in common passes; the number of the second is given out, but it waits.
        await apart;
        while (volume.Counters().CapturedRecords < 4)
        {
            await Task.Yield();
        }

        Assert.False(second.IsCompleted);
        Assert.All(_world.SourceDisk(0)[..12288], b => Assert.Equal(0, b));
        held.Set();
        await Task.WhenAll(first, second);
        Assert.All(_world.SourceDisk(0)[..4096], b => Assert.Equal(1, b));
        Assert.All(_world.SourceDisk(0)[4096..12288], b => Assert.Equal(2, b));
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "I1")]
    public async Task Many_connections_writing_over_each_other_leave_disk_and_log_equal()
    {
        var volume = _world.OpenInStep();
        var token = TestContext.Current.CancellationToken;
        await Task.WhenAll(Enumerable.Range(0, 6).Select(worker => Task.Run(
            () =>
            {
                var random = new Random(worker);
                for (var i = 0; i < 300; i++)
                {
                    var offset = random.Next(64) * 512;
                    volume.Disk(random.Next(2)).Write(
                    [
                        SourceWorld.Write(offset, 512 * random.Next(1, 9), (byte)random.Next()),
                        BlockChange.Zeroes(offset, 512, false),
                    ]);
                }
            },
            token)));
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
        Assert.Equal(0, volume.Counters().LagBytes);
    }

    [Fact]
    [Trait("Req", "I28")]
    public void After_a_failed_sync_flush_answers_EIO_until_the_volume_is_opened_again_and_the_log_repairs_the_disk()
    {
        var volume = _world.OpenInStep();
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 7)]);
        _world.Storage.FailsToSync = path => path == "disks/d0";
        Assert.Equal(BlockDeviceException.InputOutput, Assert.Throws<BlockDeviceException>(volume.Disk(0).Flush).Errno);
        _world.Storage.FailsToSync = _ => false;
        Assert.Equal(BlockDeviceException.InputOutput, Assert.Throws<BlockDeviceException>(volume.Disk(0).Flush).Errno);
        Assert.True(volume.Condition.SyncFailed);
        volume.Disk(1).Flush();

        // What the failed sync dropped is in the log: it is applied again before the disk is trusted.
        _world.Crash(powerCut: false);
        _world.Open().Disk(0).Flush();
        _world.Crash(powerCut: true);
        Assert.All(_world.SourceDisk(0)[..4096], b => Assert.Equal(7, b));
    }

    [Fact]
    public void A_write_the_disk_refuses_leads_to_a_resync_of_its_extent_only()
    {
        var volume = _world.OpenInStep();
        _world.Storage.FailsToWrite = path => path == "disks/d0" ? 5 : 0;
        Assert.Throws<BlockDeviceException>(() =>
            volume.Disk(0).Write([SourceWorld.Write(SourceWorld.Extent, 4096, 7)]));
        _world.Storage.FailsToWrite = _ => 0;
        var copied = _world.Replica.CopiedBytes;
        volume.Maintain();
        Assert.Equal(DirtyCause.DeviceWriteFailed, volume.Condition.Cause);
        _world.Replica.CatchUp(volume);
        Assert.Equal(SourceWorld.Extent, _world.Replica.CopiedBytes - copied);
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "RCP-1")]
    public void A_marker_stands_behind_every_write_answered_before_it()
    {
        var volume = _world.OpenInStep();
        volume.Disk(0).Write([SourceWorld.Write(0, 512, 1)]);
        var id = new RecoveryPointId(new Guid(1, 2, 3, new byte[8]));
        var inserted = Assert.IsType<MarkerOutcome.Inserted>(volume.InsertMarker(id, PointKind.App));
        volume.Disk(0).Write([SourceWorld.Write(0, 512, 2)]);
        Assert.Equal(inserted.Position.Lsn.Next(), volume.Tail.Lsn);
        _world.Replica.CatchUp(volume);
        Assert.Equal(
            (new PointMarker(id, PointKind.App), inserted.Position.Lsn, true),
            Assert.Single(_world.Replica.Markers));
    }

    [Fact]
    public async Task Waiting_for_work_ends_with_a_write_and_with_cancellation()
    {
        var volume = _world.OpenInStep();
        var tail = volume.Tail;
        using var cancelled = new CancellationTokenSource();
        var wait = volume.WaitForWorkAsync(tail, cancelled.Token).AsTask();
        Assert.False(wait.IsCompleted);
        volume.Disk(0).Write([SourceWorld.Write(0, 512, 1)]);
        await wait.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        var idle = volume.WaitForWorkAsync(volume.Tail, cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => idle);
    }
}

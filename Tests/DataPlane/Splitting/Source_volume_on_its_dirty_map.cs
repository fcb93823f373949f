using ReplicationEngine.DataPlane.Splitting;
using Xunit;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>A volume whose log cannot go on.</summary>
public sealed class Source_volume_on_its_dirty_map
{
    private readonly SourceWorld _world = new(1);

    [Fact]
    [Trait("Req", "I27")]
    [Trait("Req", "REP-10")]
    public void A_log_at_its_limit_lets_the_guest_go_on_and_recovers_by_itself()
    {
        _world.CacheLimit = 1 << 20;
        var volume = _world.OpenInStep();
        var copied = _world.Replica.CopiedBytes;
        for (var i = 0; i < 64; i++)
        {
            volume.Disk(0).Write([SourceWorld.Write(i * 65536L, 65536, (byte)(i + 1))]);
        }

        Assert.Equal((CaptureMode.DirtyMap, DirtyCause.CacheFull), (volume.Condition.Mode, volume.Condition.Cause));
        Assert.Contains(_world.Conditions, c => c.Mode == CaptureMode.DirtyMap);
        Assert.True(volume.Counters().LogBytes <= 1 << 20);
        Assert.True(volume.IsResyncHeld);
        Assert.Empty(volume.DirtyExtents());
        Assert.Equal(
            MarkerRefusal.DirtyMapMode,
            Assert.IsType<MarkerOutcome.Refused>(volume.InsertMarker(default, PointKind.Crash)).Reason);
        _world.Replica.CatchUp(volume);
        Assert.Equal(CaptureMode.Logging, volume.Condition.Mode);
        Assert.Equal(SourceWorld.Extent, _world.Replica.CopiedBytes - copied);
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "I27")]
    public void A_full_file_system_lets_the_guest_go_on_and_logging_returns_with_the_space()
    {
        var volume = _world.OpenInStep();
        _world.Storage.FreeBytes = 0;
        for (var i = 0; i < 32; i++)
        {
            volume.Disk(1).Write([SourceWorld.Write(i * 4096L, 4096, (byte)(i + 1))]);
        }

        Assert.Equal((CaptureMode.DirtyMap, DirtyCause.NoSpace), (volume.Condition.Mode, volume.Condition.Cause));
        volume.Maintain();
        Assert.Equal(CaptureMode.DirtyMap, volume.Condition.Mode);
        _world.Storage.FreeBytes = long.MaxValue / 2;
        _world.Replica.CatchUp(volume);
        Assert.Equal(CaptureMode.Logging, volume.Condition.Mode);
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "RES-4")]
    public void A_backlog_of_half_a_disk_goes_over_to_the_dirty_map()
    {
        _world.BacklogLimit = 0.5;
        var volume = _world.OpenInStep();
        var half = SourceWorld.Extent;
        for (var i = 0; i < (half >> 16) - 1; i++)
        {
            volume.Disk(1).Write([SourceWorld.Write(0, 65536, 1)]);
        }

        Assert.Equal(CaptureMode.Logging, volume.Condition.Mode);
        volume.Disk(0).Write([SourceWorld.Write(0, 65536, 1)]);
        volume.Disk(1).Write([SourceWorld.Write(0, 65536, 1)]);
        volume.Disk(1).Write([SourceWorld.Write(0, 65536, 1)]);
        Assert.Equal(CaptureMode.DirtyMap, volume.Condition.Mode);
        Assert.Equal(DirtyCause.BacklogHalfOfDisk, volume.Condition.Cause);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "I11")]
    public void A_copy_made_before_a_new_mark_does_not_clear_it()
    {
        var volume = _world.OpenInStep();
        volume.MarkAllDirty(DirtyCause.UserRequest);
        Assert.True(_world.Replica.Pull(volume));
        var old = volume.DirtyExtents()[0];
        volume.MarkAllDirty(DirtyCause.UserRequest);
        volume.ClearDirty(old);
        Assert.Equal(volume.Disks.Sum(d => d.SizeBytes), volume.Counters().DirtyBytes);
    }

    [Fact]
    [Trait("Req", "I12")]
    public void Nothing_is_handed_out_before_the_generation_start_is_read()
    {
        var volume = _world.OpenInStep();
        volume.MarkAllDirty(DirtyCause.UserRequest);
        Assert.True(volume.IsResyncHeld);
        Assert.Empty(volume.DirtyExtents());
        Assert.True(_world.Replica.Pull(volume));
        Assert.False(volume.IsResyncHeld);
        Assert.Equal(6, volume.DirtyExtents().Count);
        Assert.Equal(4096, volume.DirtyExtents()[3].Length);
    }

    [Fact]
    public async Task Unlogged_writes_under_way_are_waited_for_before_their_extent_is_copied()
    {
        var volume = _world.OpenInStep();
        _world.Storage.FreeBytes = 0;
        volume.Disk(0).Write([SourceWorld.Write(0, 1 << 20, 1)]);
        Assert.Equal(CaptureMode.DirtyMap, volume.Condition.Mode);
        using var held = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        _world.Storage.BeforeWrite = (path, _) =>
        {
            if (path == "disks/d0")
            {
                reached.Set();
                held.Wait();
            }
        };
        var token = TestContext.Current.CancellationToken;
        var write = Task.Run(() => volume.Disk(0).Write([SourceWorld.Write(4096, 4096, 9)]), token);
        reached.Wait(token);
        _world.Storage.FreeBytes = long.MaxValue / 2;
        volume.Maintain();
        Assert.Equal(CaptureMode.Logging, volume.Condition.Mode);
        using var asked = new ManualResetEventSlim();
        var copied = Task.Run(
            () =>
            {
                asked.Set();
                volume.WaitForCompletion(volume.Tail.Lsn);
                var copy = new byte[1];
                volume.ReadDisk(0, 4096, copy);
                return copy[0];
            },
            token);
        asked.Wait(token);
        Assert.False(copied.IsCompleted);
        held.Set();
        await write;
        Assert.Equal(9, await copied);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }
}

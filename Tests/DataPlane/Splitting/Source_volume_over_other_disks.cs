using ReplicationEngine.DataPlane.Splitting;
using Xunit;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>Disks that somebody replaced, put back or wrote while the volume was not open (RES-3).</summary>
public sealed class Source_volume_over_other_disks
{
    private const long Size = 16L * SourceWorld.Extent;
    private readonly SourceWorld _world = new(1, Size);

    public Source_volume_over_other_disks() => _world.LookAtDisks();

    [Theory]
    [Trait("Req", "RES-3")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_disk_that_nobody_touched_is_not_compared_after_a_crash(bool busy)
    {
        var volume = InStepAfterWrites();
        if (busy)
        {
            Write(volume, 2, 7);
        }

        _world.Crash(powerCut: false);
        volume = _world.Open();
        Assert.Equal(0, volume.Counters().DirtyBytes);
        Follow(volume);
    }

    [Fact]
    public void A_disk_replaced_after_a_crash_is_left_as_it_is_and_compared()
    {
        var volume = InStepAfterWrites();
        var backup = _world.SourceDisk(0);
        Write(volume, 3, 8);
        _world.Crash(powerCut: false);
        _world.PutBack(Disk(backup), "disks");
        _world.Replace(0, seen => seen with { Identity = "file:8:1:999" });
        volume = _world.Open();
        Assert.Equal(backup, _world.SourceDisk(0));
        Assert.Equal(DirtyCause.ChangedOutside, volume.Condition.Cause);
        Assert.Contains("is not the file that was protected", volume.Condition.Detail, StringComparison.Ordinal);
        Assert.Equal(Size, volume.Counters().DirtyBytes);
        Follow(volume);
    }

    [Fact]
    public void A_disk_written_in_place_after_a_crash_is_told_by_its_change_time_when_it_was_quiet()
    {
        InStepAfterWrites();
        _world.Crash(powerCut: false);
        _world.Time.Advance(TimeSpan.FromMilliseconds(300));
        _world.WriteOutside(0, 9L * SourceWorld.Extent, 4096, 0xEE);
        var before = _world.SourceDisk(0);
        var volume = _world.Open();
        Assert.Equal(before, _world.SourceDisk(0));
        Assert.Equal(DirtyCause.ChangedOutside, volume.Condition.Cause);
        Follow(volume);
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public void A_disk_written_in_place_in_the_instant_of_the_crash_is_told_by_its_change_time_too()
    {
        var volume = InStepAfterWrites();
        Write(volume, 3, 8);
        _world.Crash(powerCut: false);
        _world.Time.Advance(TimeSpan.FromMilliseconds(1));
        _world.WriteOutside(0, 9L * SourceWorld.Extent, 4096, 0xEE);
        volume = _world.Open();
        Assert.Equal(DirtyCause.ChangedOutside, volume.Condition.Cause);
        Follow(volume);
    }

    [Fact]
    public void A_disk_put_back_in_the_instant_of_the_crash_is_told_by_what_it_does_not_hold()
    {
        var volume = InStepAfterWrites();
        var backup = _world.SourceDisk(0);
        for (var i = 0; i < 4; i++)
        {
            Write(volume, i, 9);
        }

        // The same change time as the last write's: only the content can tell.
        _world.Crash(powerCut: false);
        _world.PutBack(Disk(backup), "disks");
        volume = _world.Open();
        Assert.Equal(backup, _world.SourceDisk(0));
        Assert.Contains("does not contain", volume.Condition.Detail, StringComparison.Ordinal);
        Follow(volume);
    }

    [Fact]
    public void After_a_power_cut_an_untouched_disk_is_compared_where_it_was_active_only()
    {
        var volume = InStepAfterWrites();
        volume.Close();
        volume = _world.Open();
        _world.Replica.Attach(volume);
        Write(volume, 5, 3);
        _world.Crash(powerCut: true);
        _world.Time.Advance(TimeSpan.FromMinutes(10));
        _world.BootedAt = _world.Time.GetUtcNow();
        volume = _world.Open();
        Assert.Equal((DirtyCause.UncleanShutdown, ""), (volume.Condition.Cause, volume.Condition.Detail));
        Assert.InRange(volume.Counters().DirtyBytes, SourceWorld.Extent, 8L * SourceWorld.Extent);
        Follow(volume);
    }

    [Fact]
    public void After_a_power_cut_a_disk_written_since_the_boot_is_compared_whole()
    {
        InStepAfterWrites();
        _world.Crash(powerCut: true);
        _world.Time.Advance(TimeSpan.FromSeconds(20));
        _world.BootedAt = _world.Time.GetUtcNow();
        _world.Time.Advance(TimeSpan.FromSeconds(5));
        _world.WriteOutside(0, 12L * SourceWorld.Extent, 4096, 0xEE);
        var volume = _world.Open();
        Assert.Equal(Size, volume.Counters().DirtyBytes);
        Follow(volume);
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public void After_a_power_cut_a_disk_put_back_to_before_lowered_marks_is_compared_whole()
    {
        var volume = _world.OpenInStep();
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        var (snapshot, then) = (_world.SourceDisk(0), _world.Time.GetUtcNow());
        for (var i = 0; i < 3; i++)
        {
            Write(volume, i, (byte)(1 + i));
        }

        _world.Replica.CatchUp(volume);
        _world.Settle();
        Write(volume, 9, 7);
        _world.Crash(powerCut: true);
        _world.PutBack(Disk(snapshot), "disks");
        _world.Replace(0, seen => seen with { Changed = then });
        _world.Time.Advance(TimeSpan.FromMinutes(10));
        _world.BootedAt = _world.Time.GetUtcNow();
        volume = _world.Open();
        Assert.Equal((DirtyCause.ChangedOutside, Size), (volume.Condition.Cause, volume.Counters().DirtyBytes));
        Follow(volume);
    }

    [Theory]
    [Trait("Req", "RES-3")]
    [InlineData(8, false)]
    [InlineData(15, true)]
    public void After_a_power_cut_a_disk_written_when_no_heartbeat_came_any_more_is_compared_whole(
        int seconds, bool whole)
    {
        InStepAfterWrites().Maintain();
        _world.Crash(powerCut: false);
        _world.Time.Advance(TimeSpan.FromSeconds(seconds));
        if (whole)
        {
            _world.WriteOutside(0, 12L * SourceWorld.Extent, 4096, 0xEE);
        }
        else
        {
            _world.Touch(0);
        }

        _world.Crash(powerCut: true);
        _world.Time.Advance(TimeSpan.FromMinutes(1));
        _world.BootedAt = _world.Time.GetUtcNow();
        var volume = _world.Open();
        Assert.Equal(whole, volume.Counters().DirtyBytes == Size);
        Follow(volume);
    }

    [Theory]
    [Trait("Req", "RES-3")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_disk_put_back_after_a_crash_is_told_however_often_one_place_was_written_since(bool timesTell)
    {
        _world.SegmentBytes = 8 << 20;
        var volume = InStepAfterWrites();
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        Write(volume, 6, 0x43);
        var (snapshot, then) = (_world.SourceDisk(0), _world.Time.GetUtcNow());
        Write(volume, 5, 0x11);
        for (var i = 0; i < 4500; i++)
        {
            volume.Disk(0).Write([SourceWorld.Write(6L * SourceWorld.Extent, 512, 0x43)]);
        }

        _world.Crash(powerCut: false);
        _world.PutBack(Disk(snapshot), "disks");
        if (timesTell)
        {
            _world.Replace(0, seen => seen with { Changed = then });
        }

        volume = _world.Open();
        Assert.Equal(snapshot, _world.SourceDisk(0));
        Assert.Equal(DirtyCause.ChangedOutside, volume.Condition.Cause);
        Follow(volume);
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public void A_disk_that_somebody_else_writes_while_it_is_served_is_compared_and_its_growth_is_none_of_that()
    {
        var volume = InStepAfterWrites();
        Write(volume, 4, 7);
        _world.Replica.CatchUp(volume);
        volume.Maintain();
        _world.Time.Advance(TimeSpan.FromSeconds(1));
        _world.Replace(0, seen => seen with { SizeBytes = 2 * Size, Changed = _world.Time.GetUtcNow() });
        volume.Maintain();
        Assert.Equal(0, volume.Counters().DirtyBytes);
        _world.Replace(0, seen => seen with { SizeBytes = Size });
        volume.Maintain();
        Assert.Equal(0, volume.Counters().DirtyBytes);

        _world.Time.Advance(TimeSpan.FromSeconds(1));
        _world.WriteOutside(0, 9L * SourceWorld.Extent, 4096, 0xEE);
        volume.Maintain();
        Assert.Equal((DirtyCause.ChangedOutside, Size), (volume.Condition.Cause, volume.Counters().DirtyBytes));
        Assert.Contains("while it was served", volume.Condition.Detail, StringComparison.Ordinal);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public void A_disk_that_somebody_else_writes_right_behind_a_write_of_the_guest_is_compared()
    {
        var volume = InStepAfterWrites();
        volume.Maintain();
        Write(volume, 4, 7);
        _world.Time.Advance(TimeSpan.FromMilliseconds(10));
        _world.WriteOutside(0, 9L * SourceWorld.Extent, 4096, 0xEE);
        volume.Maintain();
        Assert.Equal((DirtyCause.ChangedOutside, Size), (volume.Condition.Cause, volume.Counters().DirtyBytes));
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_block_device_is_compared_after_every_stop(bool clean)
    {
        _world.Replace(
            0, seen => seen with { IsBlockDevice = true, Identity = "block:7:0", Birth = null, Changed = null });
        var volume = InStepAfterWrites();
        if (clean)
        {
            volume.Close();
        }
        else
        {
            _world.Crash(powerCut: false);
        }

        _world.WriteOutside(0, 9L * SourceWorld.Extent, 4096, 0xEE);
        volume = _world.Open();
        Assert.Equal(Size, volume.Counters().DirtyBytes);
        Follow(volume);
    }

    [Fact]
    public void A_disk_changed_after_a_clean_close_is_compared()
    {
        InStepAfterWrites().Close();
        _world.Time.Advance(TimeSpan.FromHours(1));
        _world.WriteOutside(0, 0, 4096, 0xEE);
        var volume = _world.Open();
        Assert.Equal(DirtyCause.ChangedOutside, volume.Condition.Cause);
        Follow(volume);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void In_dirty_map_mode_a_disk_is_compared_whole_after_a_crash_when_somebody_touched_it(bool touched)
    {
        _world.CacheLimit = 512 << 10;
        var volume = InStepAfterWrites();
        for (var i = 0; i < 300; i++)
        {
            Write(volume, i % 3, (byte)i);
        }

        Assert.Equal(CaptureMode.DirtyMap, volume.Condition.Mode);
        _world.Crash(powerCut: false);
        if (touched)
        {
            _world.Time.Advance(TimeSpan.FromMilliseconds(1));
            _world.WriteOutside(0, 12L * SourceWorld.Extent, 4096, 0xEE);
        }

        volume = _world.Open();
        Assert.Equal(touched, volume.Counters().DirtyBytes == Size);
        Follow(volume);
    }

    private SourceVolume InStepAfterWrites()
    {
        var volume = _world.OpenInStep();
        for (var i = 0; i < 3; i++)
        {
            Write(volume, i, (byte)(1 + i));
        }

        _world.Replica.CatchUp(volume);
        _world.Settle();
        return volume;
    }

    private void Write(SourceVolume volume, int extent, byte fill)
    {
        _world.Time.Advance(TimeSpan.FromMilliseconds(10));
        volume.Disk(0).Write([SourceWorld.Write((long)extent * SourceWorld.Extent, 4096, fill)]);
    }

    private void Follow(SourceVolume volume)
    {
        _world.Replica.Attach(volume);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    private static Dictionary<string, SparseContent> Disk(byte[] content) =>
        new(StringComparer.Ordinal) { ["disks/d0"] = SparseContent.Of(content) };
}

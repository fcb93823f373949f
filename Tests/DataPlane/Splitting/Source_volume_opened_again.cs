using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Simulation.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>A volume opened again after an end of each kind.</summary>
public sealed class Source_volume_opened_again
{
    private readonly SourceWorld _world = new(1);

    [Fact]
    public void After_the_death_of_the_process_the_log_is_redone_and_nothing_is_compared()
    {
        var volume = _world.OpenInStep();
        var generation = volume.Tail.Generation;
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 1)]);

        // The next write dies between log and disk.
        _world.Storage.BeforeWrite = (path, _) =>
        {
            if (path == "disks/d0")
            {
                _world.Storage.Kill();
            }
        };
        Assert.Throws<SimulatedDeathException>(() => volume.Disk(0).Write([SourceWorld.Write(2048, 4096, 2)]));
        _world.Storage.BeforeWrite = null;
        _world.Crash(powerCut: false);
        volume = _world.Open();
        Assert.All(_world.SourceDisk(0)[2048..6144], b => Assert.Equal(2, b));
        Assert.Equal(generation, volume.Tail.Generation);
        Assert.Equal(0, volume.Counters().DirtyBytes);
        _world.Replica.Attach(volume);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "RES-2")]
    public void After_a_power_cut_only_the_active_extents_are_compared()
    {
        var volume = _world.OpenInStep();
        _world.Settle();
        Assert.Equal(0, volume.Counters().Disks.Sum(d => d.ActiveBytes));

        // Lowered marks need not survive a power cut; after a clean close they are durable.
        volume.Close();
        volume = _world.Open();
        _world.Replica.Attach(volume);
        var copied = _world.Replica.CopiedBytes;
        volume.Disk(1).Write([SourceWorld.Write(SourceWorld.Extent, 4096, 1)]);
        var before = volume.Tail;
        _world.Crash(powerCut: true);
        volume = _world.Open();
        Assert.Equal(DirtyCause.UncleanShutdown, volume.Condition.Cause);
        Assert.True(volume.Tail.Generation.Value > before.Generation.Value);
        Assert.True(volume.Tail.Lsn.Value >= before.Lsn.Value - 1 + (1L << 32));
        _world.Replica.Attach(volume);
        _world.Replica.CatchUp(volume);
        Assert.Equal(SourceWorld.Extent, _world.Replica.CopiedBytes - copied);
        _world.AssertInStep();
    }

    [Fact]
    public void After_a_clean_close_and_a_boot_everything_goes_on()
    {
        var volume = _world.OpenInStep();
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 1)]);
        var tail = volume.Tail;
        volume.Close();
        Assert.Equal(
            BlockDeviceException.Shutdown,
            Assert.Throws<BlockDeviceException>(() => volume.Disk(0).Write([SourceWorld.Write(0, 1, 1)])).Errno);
        _world.Crash(powerCut: true);
        volume = _world.Open();
        Assert.Equal(tail, volume.Tail);
        volume.Disk(0).Write([SourceWorld.Write(0, 4096, 2)]);
        Assert.Equal(new ChangePosition(tail.Generation, tail.Lsn.Next()), volume.Tail);
        _world.Replica.Attach(volume);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Theory]
    [Trait("Req", "I7")]
    [Trait("Req", "RES-1")]
    [InlineData(false)]
    [InlineData(true)]
    public void A_flip_anywhere_in_the_log_is_never_shipped_and_ends_in_a_resync(bool whileOpen)
    {
        for (var seed = 0; seed < 30; seed++)
        {
            var random = new Random(seed);
            var world = new SourceWorld(seed);
            var volume = world.OpenInStep();
            for (var i = 0; i < 12; i++)
            {
                var (offset, length) = (random.Next(8 << 20), random.Next(1, 60_000));
                volume.Disk(0).Write([SourceWorld.Write(offset, length, (byte)random.Next())]);
            }

            if (!whileOpen)
            {
                world.Crash(powerCut: false);
            }

            var log = world.Storage.Paths().Where(p => p.StartsWith("vm/log-", StringComparison.Ordinal)).ToArray();
            var path = log[random.Next(log.Length)];
            world.Storage.Flip(path, random.NextInt64(world.Storage.LengthOf(path)), random.Next(8));
            if (!whileOpen)
            {
                volume = world.Open();
                world.Replica.Attach(volume);
            }

            world.Replica.CatchUp(volume);
            world.AssertInStep();
        }
    }

    [Fact]
    [Trait("Req", "I7")]
    public void A_damaged_record_is_a_typed_error_and_marks_what_it_may_have_touched()
    {
        var volume = _world.OpenInStep();
        _world.Settle();
        volume.Disk(1).Write([SourceWorld.Write(5, 4096, 1)]);
        var path = _world.Storage.Paths().Last(p => p.StartsWith("vm/log-", StringComparison.Ordinal));
        _world.Storage.Flip(path, _world.Storage.LengthOf(path) - 100, 3);
        var after = _world.Replica.Applied;
        Assert.Throws<ReplicationLogCorruptException>(
            () => volume.ReadLog(ref after, new System.Buffers.ArrayBufferWriter<byte>(), 1 << 20));
        Assert.Equal(DirtyCause.LogDamaged, volume.Condition.Cause);
        Assert.Contains(volume.UncertainExtents(), e => e is { Disk: 1, Offset: 0 });
        Assert.Equal(2L * SourceWorld.Extent, volume.Counters().DirtyBytes);
    }

    [Fact]
    public void A_map_page_that_is_damaged_reads_as_all_set()
    {
        _world.OpenInStep();
        _world.Settle();
        _world.Volume.Close();
        _world.Crash(powerCut: false);
        _world.Storage.Flip("vm/map-1", 4096 + 100, 0);
        Assert.Equal(2L * SourceWorld.Extent, _world.Open().Counters().DirtyBytes);
    }

    [Fact]
    public void One_damaged_copy_of_the_state_is_no_matter_and_two_are_a_typed_error()
    {
        _world.OpenInStep().Fence(new Term(3));
        _world.Crash(powerCut: false);
        _world.Storage.Flip("vm/state", 40, 0);
        Assert.Equal(new Term(3), _world.Open().Term);
        Assert.True(_world.Volume.Condition.Fenced);
        _world.Crash(powerCut: false);
        _world.Storage.Flip("vm/state", 40, 0);
        _world.Storage.Flip("vm/state", 65536 + 40, 0);
        Assert.Equal(SourceVolumeError.StateDamaged, Assert.Throws<SourceVolumeException>(_world.Open).Error);
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public void A_disk_that_grew_while_the_volume_was_closed_has_a_dirty_tail()
    {
        _world.OpenInStep();
        _world.Settle();
        _world.Volume.Close();
        using (var file = _world.Storage.Root.Subdirectory("disks").Open("d1", StorageOpen.Existing))
        {
            file.SetLength(4 * SourceWorld.Extent);
            file.Write(3 * SourceWorld.Extent, new byte[] { 1, 2, 3 });
        }

        var volume = _world.Open();
        Assert.Equal(4L * SourceWorld.Extent, volume.Disk(1).Length);
        Assert.Equal(2L * SourceWorld.Extent, volume.Counters().DirtyBytes);
        _world.Replica.Attach(volume);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    public void Other_disks_or_another_vm_are_refused()
    {
        _world.OpenInStep().Close();
        using var file = _world.Storage.Root.Subdirectory("disks").Open("d1", StorageOpen.Existing);
        file.SetLength(SourceWorld.Extent);
        Assert.Equal(SourceVolumeError.DisksDiffer, Assert.Throws<SourceVolumeException>(_world.Open).Error);
    }
}

using ReplicationEngine.DataPlane.Splitting;
using Xunit;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>Source and replica that no longer hold the same history, whatever their numbers say.</summary>
public sealed class Source_volume_with_two_pasts
{
    private readonly SourceWorld _world = new(1, 64L * SourceWorld.Extent);

    [Theory]
    [Trait("Req", "RES-1")]
    [InlineData(true, false, 3)]
    [InlineData(true, false, 8)]
    [InlineData(false, false, 8)]
    [InlineData(false, true, 8)]
    public void A_host_that_is_put_back_to_a_snapshot_and_writes_on_is_compared(bool clean, bool boots, int writesOn)
    {
        var volume = _world.OpenInStep();
        Write(volume, 0, 1);
        _world.Replica.CatchUp(volume);
        if (clean)
        {
            volume.Close();
        }

        var snapshot = _world.Snapshot();
        if (clean)
        {
            volume = _world.Open();
            _world.Replica.Attach(volume);
        }

        for (var i = 0; i < 5; i++)
        {
            Write(volume, 1 + i, 2);
        }

        _world.Replica.CatchUp(volume);
        _world.Crash(powerCut: boots);
        _world.PutBack(snapshot);
        volume = _world.Open();
        for (var i = 0; i < writesOn; i++)
        {
            Write(volume, 10 + i, 3);
        }

        _world.Replica.Attach(volume);
        Assert.Equal(DirtyCause.HistoryForked, volume.Condition.Cause);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    public void With_a_past_in_common_only_what_either_side_changed_since_is_compared()
    {
        var volume = _world.OpenInStep();
        Write(volume, 0, 1);
        _world.Replica.CatchUp(volume);
        volume.Close();
        var snapshot = _world.Snapshot();
        volume = _world.Open();
        _world.Replica.Attach(volume);
        Write(volume, 5, 2);
        _world.Replica.CatchUp(volume);
        _world.Crash(powerCut: false);
        _world.PutBack(snapshot);
        volume = _world.Open();
        Write(volume, 40, 3);
        Write(volume, 41, 3);
        _world.Replica.Attach(volume);
        Assert.Equal(DirtyCause.HistoryForked, volume.Condition.Cause);

        // One extent by the replica's account; by the source's those that became active together.
        Assert.InRange(volume.Counters().DirtyBytes, 3L * SourceWorld.Extent, 24L * SourceWorld.Extent);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    public void A_replica_that_no_longer_knows_what_it_changed_is_compared_whole()
    {
        var volume = _world.OpenInStep();
        Write(volume, 0, 1);
        _world.Replica.CatchUp(volume);
        volume.Close();
        var snapshot = _world.Snapshot();
        volume = _world.Open();
        _world.Replica.Attach(volume);
        Write(volume, 5, 2);
        _world.Replica.CatchUp(volume);
        _world.Crash(powerCut: false);
        _world.PutBack(snapshot);
        _world.Replica.Recent = null;
        volume = _world.Open();
        Write(volume, 40, 3);
        _world.Replica.Attach(volume);
        Assert.Equal(64L * SourceWorld.Extent, volume.Counters().DirtyBytes);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    public void A_clone_that_took_the_sources_place_is_found_out_when_the_source_comes_back()
    {
        var volume = _world.OpenInStep();
        Write(volume, 0, 1);
        _world.Replica.CatchUp(volume);
        volume.Close();
        var original = _world.Snapshot();
        var clone = _world.Open();
        _world.Replica.Attach(clone);
        Write(clone, 7, 9);
        _world.Replica.CatchUp(clone);
        _world.Crash(powerCut: false);
        _world.PutBack(original);
        volume = _world.Open();
        Write(volume, 9, 4);
        _world.Replica.Attach(volume);
        Assert.Equal(DirtyCause.HistoryForked, volume.Condition.Cause);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    public void A_volume_opened_more_often_than_it_remembers_is_compared_rather_than_believed()
    {
        var volume = _world.OpenInStep();
        Write(volume, 0, 1);
        _world.Replica.CatchUp(volume);
        for (var i = 0; i < VolumeState.MostIncarnations; i++)
        {
            volume.Close();
            volume = _world.Open();
        }

        _world.Replica.Attach(volume);
        Assert.Equal(DirtyCause.HistoryForked, volume.Condition.Cause);
        _world.Replica.CatchUp(volume);
        _world.AssertInStep();
    }

    [Fact]
    [Trait("Req", "I13")]
    public void However_often_a_machine_crashes_and_is_put_back_its_replica_ends_equal()
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var random = new Random(seed);
            var world = new SourceWorld(seed, 12L * SourceWorld.Extent);
            var volume = world.OpenInStep();
            var snapshots = new List<IReadOnlyDictionary<string, SparseContent>>();
            for (var step = 0; step < 40; step++)
            {
                volume = Step(world, volume, snapshots, random);
            }

            world.Replica.Attach(volume);
            world.Replica.CatchUp(volume);
            Assert.False(world.Replica.Resyncing, $"seed {seed}");
            using var disk = world.OpenDisk(0);
            Assert.True(SparseContent.Holds(disk, 0, world.Replica.Disks[0]), $"seed {seed} differs");
        }
    }

    private static SourceVolume Step(
        SourceWorld world, SourceVolume volume, List<IReadOnlyDictionary<string, SparseContent>> snapshots,
        Random random)
    {
        switch (random.Next(12))
        {
            case 0:
                world.Replica.Attach(volume);
                world.Replica.CatchUp(volume);
                return volume;
            case 1:
                world.Replica.Attach(volume);
                world.Replica.Pull(volume, 4096);
                return volume;
            case 2:
                world.Settle();
                return volume;
            case 3:
                snapshots.Add(world.Snapshot());
                return volume;
            case 4:
                volume.Close();
                snapshots.Add(world.Snapshot());
                return world.Open();
            case 5 when snapshots.Count > 0:
                world.Crash(random.Next(2) == 0);
                world.PutBack(snapshots[random.Next(snapshots.Count)]);
                return world.Open();
            case 6:
                world.Crash(random.Next(2) == 0);
                return world.Open();
            case 7 when random.Next(4) == 0:
                world.Replica.Recent?.Forget();
                return volume;
            default:
                var offset = random.NextInt64((12L * SourceWorld.Extent) - 9000);
                volume.Disk(0).Write([SourceWorld.Write(offset, random.Next(1, 9000), (byte)random.Next(256))]);
                world.Time.Advance(TimeSpan.FromMilliseconds(random.Next(1, 4000)));
                return volume;
        }
    }

    private void Write(SourceVolume volume, int extent, byte fill)
    {
        _world.Time.Advance(TimeSpan.FromMilliseconds(7));
        volume.Disk(0).Write([SourceWorld.Write((long)extent * SourceWorld.Extent, 4096, fill)]);
    }
}

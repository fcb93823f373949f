using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Workloads;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The guest of one VM, wherever it runs: it writes, and it knows which of its writes were acknowledged.
/// </summary>
internal sealed class SimGuest(SimWorld world, SimVm vm, SplittableRandom random)
{
    private (SourceVolume? Volume, long Number) _acknowledgedBy;

    /// <summary>The guest's connections to its disks at the source.</summary>
    public GuestConnections Connections { get; } = new(world, vm, random.Split("connections"));

    /// <summary>Writes to the source and to the recovered machine, wherever the guest's writes are accepted.</summary>
    public void Write(long seed, long count)
    {
        var draws = new SplittableRandom((ulong)seed);
        for (var i = 0; i < count; i++)
        {
            if (vm.Agent is { Alive: true, Paused: false, TakesWrites: true, Volume: { } volume })
            {
                vm.Agent.Do(() => WriteTo(draws, vm.Models.Source, volume));
                vm.Agent.Session?.Poke();
            }

            if (world.Service is { Alive: true, Paused: false } && vm.Models.Live is not null
                && vm.Target.Live?.Source is { } live)
            {
                world.Service.Do(() => WriteTo(draws, vm.Models.Live, live));
                vm.Target.Session?.Poke();
            }
        }
    }

    /// <summary>Writes once to the source.</summary>
    public void WriteSource(SourceVolume volume, long seed) =>
        WriteTo(new SplittableRandom((ulong)seed), vm.Models.Source, volume);

    /// <summary>
    /// Writes over several connections at once if the guest runs at the source, otherwise one write after another.
    /// </summary>
    public void WriteAtOnce(long seed, long batches)
    {
        if (vm.Models.Live is null)
        {
            Connections.Write(seed, batches);
        }
        else
        {
            Write(seed, batches);
        }
    }

    /// <summary>Flushes the disks of the source and of the recovered machine.</summary>
    public void Flush()
    {
        if (vm.Agent is { Alive: true, Paused: false, TakesWrites: true, Volume: { } volume })
        {
            vm.Agent.Do(() => FlushOn(vm.Models.Source, volume));
        }

        if (world.Service is { Alive: true, Paused: false } && vm.Models.Live is { } model
            && vm.Target.Live?.Source is { } live)
        {
            world.Service.Do(() => FlushOn(model, live));
        }
    }

    /// <summary>Writes as the guest of the test machine.</summary>
    public void WriteTest(long seed, long count)
    {
        if (world.Service is not { Alive: true, Paused: false } || vm.Target.Test is not { } test
            || vm.Models.TestContent is null)
        {
            return;
        }

        var draws = new SplittableRandom((ulong)seed);
        world.Service.Do(() =>
        {
            for (var i = 0; i < count; i++)
            {
                var (sector, data) = Draw(draws);
                var (disk, offset, _) = vm.Shape.Place(sector);
                try
                {
                    test.Overlay.Disks[disk].Write([BlockChange.Write(offset, data)]);
                }
                catch (IOException)
                {
                    // The disk is full or failing: the test machine gets an error, and its content is unknown from now
                    // on.
                    vm.Models.TestContent = null;
                    return;
                }

                DiskModel.HashesOf(data).CopyTo(vm.Models.TestContent, sector);
            }
        });
    }

    /// <summary>Returns the newest acknowledged number of a volume's writes; 0 when there is none.</summary>
    public long AcknowledgedBy(SourceVolume volume) =>
        ReferenceEquals(volume, _acknowledgedBy.Volume) ? _acknowledgedBy.Number : 0;

    /// <summary>Records that a logged write was acknowledged.</summary>
    public void Acknowledged(SourceVolume volume, long number) =>
        _acknowledgedBy = (volume, Math.Max(number, AcknowledgedBy(volume)));

    private void WriteTo(SplittableRandom draws, DiskModel model, SourceVolume volume)
    {
        var (sector, data) = Draw(draws);
        var (disk, offset, _) = vm.Shape.Place(sector);
        var hashes = DiskModel.HashesOf(data);
        var before = volume.Tail;
        var logging = volume.Condition.Mode == CaptureMode.Logging;
        var (acknowledged, fenced) = (AcknowledgedBy(volume), vm.Agent.Role == SourceRole.Fenced);
        try
        {
            world.Parts.GuestDisk(volume, disk).Write([BlockChange.Write(offset, data)]);
        }
        catch (BlockDeviceException e)
        {
            if (e.Errno is not (BlockDeviceException.Shutdown or BlockDeviceException.NotPermitted))
            {
                model.Failed(sector, hashes);
            }

            world.Checkers.Refused(vm, model, volume, e);
            return;
        }
        catch (Storage.SimulatedDeathException)
        {
            model.InDoubt.UnionWith(Enumerable.Range(sector, hashes.Length));
            model.Failed(sector, hashes);
            throw;
        }

        var after = volume.Tail;
        var logged = after.CompareTo(before) > 0 && volume.Condition.Mode == CaptureMode.Logging && logging;
        var write = new ModelWrite(after.Lsn.Value, logged, sector, hashes, world.Queue.Now);
        model.Wrote(write);
        vm.Models.LastNumber = ReferenceEquals(model, vm.Models.Source) ? after.Lsn.Value : vm.Models.LastNumber;
        world.Checkers.Wrote(vm, new SeenWrite(model, volume, write, before)
        {
            AcknowledgedBefore = acknowledged,
            WhileFenced = fenced,
        });
    }

    private void FlushOn(DiskModel model, SourceVolume volume)
    {
        for (var disk = 0; disk < vm.Shape.Sizes.Count; disk++)
        {
            try
            {
                world.Parts.GuestDisk(volume, disk).Flush();
            }
            catch (BlockDeviceException e)
            {
                world.Checkers.Flushed(vm, volume, disk, e);
                return;
            }

            world.Checkers.Flushed(vm, volume, disk, null);
        }

        model.Flushed();
    }

    private (int Sector, byte[] Data) Draw(SplittableRandom draws)
    {
        var sector = draws.Next(vm.Shape.Sectors);
        var wanted = draws.Chance(0.2) ? draws.Between(8, 40) : draws.Between(1, 9);
        var count = Math.Min(wanted, vm.Shape.Place(sector).Left);
        var data = new byte[count * 512];
        if (!draws.Chance(0.1))
        {
            draws.Fill(data);
        }

        return (sector, data);
    }
}

using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The actions of operators on an agent's machine that bypass the engine: taking snapshots and reverting to them,
/// swapping copies of the machine, restoring and resizing disks.
/// </summary>
internal sealed class AgentMachine(SimWorld world, SimVm vm, AgentNode agent, SplittableRandom random)
{
    private const int CutBytes = 64 << 10;
    private readonly List<Action> _whileOff = [];
    private readonly HashSet<string> _cut = new(StringComparer.Ordinal);
    private StorageSnapshot? _snapshot;
    private StorageSnapshot? _other;
    private readonly Dictionary<string, long> _largest = new(StringComparer.Ordinal);

    /// <summary>Takes a snapshot of the machine, which replaces the earlier one.</summary>
    /// <param name="asCrashed">Whether the snapshot holds what a crash would leave of unsynced changes; otherwise it
    /// holds all of them.</param>
    public void TakeSnapshot(bool asCrashed) => _snapshot = agent.Storage.TakeSnapshot(asCrashed ? random : null);

    /// <summary>Restores parts of the machine from the newest snapshot, if there is one.</summary>
    /// <param name="parts">The parts to restore: 1 for the agent's data, 2 for the disks, 3 for the whole
    /// machine.</param>
    /// <param name="manner">The manner of restoring files, unless the whole machine is reverted.</param>
    public void Revert(long parts, RestoreManner manner)
    {
        if (_snapshot is not { } snapshot)
        {
            return;
        }

        world.Sometimes.Count(parts == 3 ? Probes.Reverted : parts == 2 ? Probes.DisksRestored : Probes.DataRestored);
        if (parts == 3)
        {
            Off(() => agent.Storage.PutBack(snapshot, _ => true, RestoreManner.Machine));
            return;
        }

        // Only the process is stopped for this; the machine continues to run.
        _whileOff.Add(() => agent.Storage.PutBack(
            snapshot, path => path.StartsWith("disks/", StringComparison.Ordinal) == (parts == 2), manner));
        agent.Die();
    }

    /// <summary>
    /// Replaces the machine by its other copy, or by the newest snapshot when no swap has been made. The present
    /// machine becomes the other copy. Does nothing when neither exists.
    /// </summary>
    public void Swap()
    {
        if ((_other ?? _snapshot) is { } other)
        {
            world.Sometimes.Count(Probes.Swapped);
            Off(() =>
            {
                _other = agent.Storage.TakeSnapshot(null);
                agent.Storage.PutBack(other, _ => true, RestoreManner.Machine);
            });
        }
    }

    /// <summary>Grows a disk of a primary source, while it is served or while the machine is off.</summary>
    public void GrowDisk(long which, long sectors, bool running)
    {
        if (agent.Role != SourceRole.Primary)
        {
            return;
        }

        if (running)
        {
            world.Sometimes.Count(Probes.GrownRunning);
            Grow(DiskOf(which), sectors * 512);
        }
        else
        {
            Off(() => Grow(DiskOf(which), sectors * 512));
        }
    }

    /// <summary>Removes the end of a disk for a while, unless it is removed already.</summary>
    public void ShrinkDisk(long which, TimeSpan length)
    {
        if (_cut.Add(DiskOf(which)))
        {
            world.Sometimes.Count(Probes.ShrunkRunning);
            Cut(DiskOf(which), vm.Shape.Sizes[(int)(which % vm.Shape.Sizes.Count)], length);
        }
    }

    /// <summary>Returns the size of a disk in bytes.</summary>
    public long SizeOf(int disk) => agent.Storage.LengthOf($"disks/d{disk}");

    /// <summary>
    /// Called when the agent's process starts. Runs the actions that wait for the machine or the process to be off.
    /// </summary>
    public void Starts()
    {
        if (world.Plan.Features.HasFlag(SimFeatures.Hosts))
        {
            agent.Storage.Now = agent.Clock.GetUtcNow;
        }

        if (_whileOff.Count > 0)
        {
            _whileOff.ForEach(action => action());
            _whileOff.Clear();
            vm.Models.Forked(agent.Content(agent.Raw()), agent.PowerCutNext);
        }
        else if (vm.Models.PutBack is not null)
        {
            // Nobody has opened the restored disks yet, and a power cut may have taken unsynced changes.
            vm.Models.StillPutBack(agent.Content(agent.Raw()));
        }
    }

    /// <summary>
    /// Grows disks that were restored to a smaller size to their largest size again, as the engine asks an operator to
    /// do.
    /// </summary>
    public void GrowBack()
    {
        if (_largest.Count > 0)
        {
            Off(() =>
            {
                foreach (var (path, size) in _largest)
                {
                    Grow(path, Math.Max(0, size - agent.Storage.LengthOf(path)));
                }
            });
        }
    }

    private string DiskOf(long which) => $"disks/d{which % vm.Shape.Sizes.Count}";

    private void Off(Action action)
    {
        _whileOff.Add(action);
        agent.PowerCutNext = true;
        agent.Die();
    }

    private void Grow(string path, long bytes)
    {
        _largest[path] = Math.Max(agent.Storage.LengthOf(path) + bytes, _largest.GetValueOrDefault(path));
        agent.Storage.Resize(path, agent.Storage.LengthOf(path) + bytes);
    }

    /// <summary>
    /// Removes the end of a disk, and restores its size with zeroes after a while. The guest does not use that part. A
    /// disk that was restored to a size without its end loses no further bytes.
    /// </summary>
    private void Cut(string path, long made, TimeSpan length)
    {
        var size = agent.Storage.LengthOf(path);
        agent.Storage.Resize(path, Math.Max(size, made) - CutBytes);
        _largest[path] = Math.Max(size, _largest.GetValueOrDefault(path));
        world.Queue.After(length, () =>
        {
            _cut.Remove(path);
            if (agent.Storage.LengthOf(path) < size)
            {
                agent.Storage.Resize(path, size);
            }
        });
    }
}

using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// What people do to an agent's machine, next to the engine: snapshots and going back to them, copies of which one goes
/// on in another's place, disks that are restored or grow.
/// </summary>
internal sealed class AgentMachine(SimWorld world, SimVm vm, AgentNode agent, SplittableRandom random)
{
    private const int CutBytes = 64 << 10;
    private readonly List<Action> _whileOff = [];
    private readonly HashSet<string> _cut = new(StringComparer.Ordinal);
    private StorageSnapshot? _snapshot;
    private StorageSnapshot? _other;
    private readonly Dictionary<string, long> _largest = new(StringComparer.Ordinal);

    /// <summary>Takes a snapshot in the place of any there is.</summary>
    /// <param name="asCrashed">With what a crash would leave of what is unsynced, rather than with all of it.</param>
    public void TakeSnapshot(bool asCrashed) => _snapshot = agent.Storage.TakeSnapshot(asCrashed ? random : null);

    /// <summary>Puts back what the newest snapshot has, if there is one.</summary>
    /// <param name="parts">1 the agent's data, 2 the disks, 3 the whole machine.</param>
    /// <param name="manner">How files are put back, unless it is the whole machine.</param>
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

        // Only the process is stopped for this: the machine runs on.
        _whileOff.Add(() => agent.Storage.PutBack(
            snapshot, path => path.StartsWith("disks/", StringComparison.Ordinal) == (parts == 2), manner));
        agent.Die();
    }

    /// <summary>Another copy of the machine, if there is one, goes on in its place, and the present one
    /// rests.</summary>
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

    /// <summary>A disk of a primary grows: while it is served, or while the machine is off.</summary>
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

    /// <summary>A disk loses its end for a while, unless it has lost it already.</summary>
    public void ShrinkDisk(long which, TimeSpan length)
    {
        if (_cut.Add(DiskOf(which)))
        {
            world.Sometimes.Count(Probes.ShrunkRunning);
            Cut(DiskOf(which), vm.Shape.Sizes[(int)(which % vm.Shape.Sizes.Count)], length);
        }
    }

    /// <summary>The size of a disk.</summary>
    public long SizeOf(int disk) => agent.Storage.LengthOf($"disks/d{disk}");

    /// <summary>The machine starts: what was to be done while it was off is done.</summary>
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
            // Nobody has opened them yet, and a power cut may have taken what was not synced.
            vm.Models.StillPutBack(agent.Content(agent.Raw()));
        }
    }

    /// <summary>A person gives disks that were put back to before they had grown their size again, as the engine asks
    /// for.</summary>
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

    /// <summary>What is cut off comes back as zeroes after a while; the guest has no use for that part. What was put
    /// back while it was cut is not cut once more.</summary>
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

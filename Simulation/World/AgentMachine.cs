using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// What people do to an agent's machine, beside the engine: snapshots and going back to them, copies of which one goes
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

    /// <summary>Does one of these things; what needs the machine off ends the process first.</summary>
    public void Change(PlannedEvent planned)
    {
        switch (planned.Action)
        {
            case SimAction.HostSnapshot:
                _snapshot = agent.Storage.TakeSnapshot((planned.A & 1) == 1 ? random : null);
                break;
            case SimAction.HostRevert when _snapshot is { } snapshot:
                Revert(snapshot, planned.A, planned.B);
                break;
            case SimAction.HostSwap when (_other ?? _snapshot) is { } other:
                world.Sometimes.Count(Probes.Swapped);
                Off(() =>
                {
                    _other = agent.Storage.TakeSnapshot(null);
                    agent.Storage.PutBack(other, _ => true, RestoreManner.Machine);
                });
                break;
            case SimAction.DiskGrow when agent.Role == SourceRole.Primary:
                if ((planned.B & 1) == 0)
                {
                    Off(() => Grow(DiskOf(planned), planned.B * 512));
                }
                else
                {
                    world.Sometimes.Count(Probes.GrownRunning);
                    Grow(DiskOf(planned), planned.B * 512);
                }

                break;
            case SimAction.DiskShrink when _cut.Add(DiskOf(planned)):
                world.Sometimes.Count(Probes.ShrunkRunning);
                Cut(DiskOf(planned), SizeMade(planned), TimeSpan.FromMilliseconds(planned.A));
                break;
            default:
                break;
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
            vm.Forked(agent.Content(agent.Raw()), agent.PowerCutNext);
        }
        else if (vm.PutBack is not null)
        {
            // Nobody has opened them yet, and a power cut may have taken what was not synced.
            vm.StillPutBack(agent.Content(agent.Raw()));
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

    private string DiskOf(PlannedEvent planned) => $"disks/d{planned.B % vm.Shape.Sizes.Count}";

    private long SizeMade(PlannedEvent planned) => vm.Shape.Sizes[(int)(planned.B % vm.Shape.Sizes.Count)];

    private void Revert(StorageSnapshot snapshot, long parts, long manner)
    {
        world.Sometimes.Count(parts == 3 ? Probes.Reverted : parts == 2 ? Probes.DisksRestored : Probes.DataRestored);
        if (parts == 3)
        {
            Off(() => agent.Storage.PutBack(snapshot, _ => true, RestoreManner.Machine));
            return;
        }

        // Only the process is stopped for this: the machine runs on.
        _whileOff.Add(() => agent.Storage.PutBack(
            snapshot, path => path.StartsWith("disks/", StringComparison.Ordinal) == (parts == 2),
            manner == 0 ? RestoreManner.InPlace : RestoreManner.NewFiles));
        agent.Die();
    }

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

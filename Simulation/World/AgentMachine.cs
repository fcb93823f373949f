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
    private readonly List<Action> _whileOff = [];
    private StorageSnapshot? _snapshot;
    private StorageSnapshot? _other;

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
            case SimAction.DiskGrow:
                Off(() => Grow($"disks/d{planned.A % vm.Shape.Sizes.Count}", planned.B * 512));
                break;
            default:
                break;
        }
    }

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
            vm.Forked(agent.Content(agent.Raw()));
        }
    }

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
        using var file = agent.Storage.Root.Subdirectory("disks").Open(
            path["disks/".Length..], DataPlane.Storage.StorageOpen.Existing);
        file.SetLength(file.Length + bytes);
        file.Sync();
    }
}

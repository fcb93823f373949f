using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>Finds what a VM's state does not know yet: the difference between what is observed and what it
/// says.</summary>
internal sealed partial class FactFinder(
    ProtectedVms vms, AgentRegistry agents, SourceSide source, TargetSite site, ILogger<FactFinder> logger)
{
    private static readonly TimeSpan AwayTooLong = TimeSpan.FromSeconds(5);

    /// <summary>All facts to be told now; none when the state is up to date.</summary>
    public IEnumerable<ProtectedVmCommand> Facts(ProtectedVmState state)
    {
        if (state.Phase is Phase.NotProtected or Phase.Disabled or Phase.EnableFailed)
        {
            return [];
        }

        var vm = state.Enrollment.Vm.Value;
        var volume = site.Find(vm);
        var status = agents.Find(state.Enrollment.Agent) is null ? null : agents.Status(vm);
        return
        [
            .. Connection(state),
            .. LagFacts.Of(state, agents.AtRisk(state.Enrollment.Agent, vm), agents.Status(vm)?.LagBytes ?? 0),
            .. volume?.Store is { } store ? PointFacts.Of(state, store.Points, store.SkippedMarkers)
                : volume?.LostBecause is { } why ? PointFacts.OfLost(state, why) : [],
            .. status is null || volume is null ? [] : Replication(state, status, volume),
            .. volume is null ? [] : Store(state, volume),
        ];
    }

    /// <summary>Tells a newly connected agent what each of its VMs' source side is to be, and the VMs that it is
    /// there.</summary>
    public async Task WelcomeAsync(string agent, CancellationToken ct)
    {
        foreach (var vm in await vms.ListAsync(ct))
        {
            if ((await vms.LookAsync(vm, ct)).View is not { } view || view.State.Enrollment.Agent != agent
                || view.State.Phase is Phase.NotProtected)
            {
                continue;
            }

            try
            {
                // While prerequisites are checked there is nothing to direct, but a check that failed for want of the
                // agent is tried again at once when the VM is told below.
                if (view.State.Phase is not Phase.Enabling { Step: EnableStep.CheckingPrerequisites })
                {
                    await source.DirectAsync(view.State, ct);
                }
            }
            catch (EffectFailedException e)
            {
                NotDirected(agent, vm, e.Message);
            }

            await vms.TellAsync(vm, new ProtectedVmCommand.RecordAgentConnected(), $"connected|{view.Sequence}", ct);
        }
    }

    private IEnumerable<ProtectedVmCommand> Connection(ProtectedVmState state)
    {
        var known = Has(state, HealthKind.AgentDisconnected);
        var away = agents.AwayFor(state.Enrollment.Agent);
        if (known && away == TimeSpan.Zero)
        {
            yield return new ProtectedVmCommand.RecordAgentConnected();
        }
        else if (!known && away > AwayTooLong)
        {
            yield return new ProtectedVmCommand.RecordAgentDisconnected(
                $"Agent '{state.Enrollment.Agent}' is not connected.");
        }
    }

    private static IEnumerable<ProtectedVmCommand> Replication(ProtectedVmState state, VolumeStatus status,
        TargetVolume volume)
    {
        var inSync = Synchrony.IsInSync(state, status, volume);
        foreach (var fact in Capture(state, status))
        {
            yield return fact;
        }

        switch (state.Phase)
        {
            case Phase.InitialReplication or Phase.Reprotecting { Direction: Direction.ToRecovery, Started: true }
                when inSync:
                yield return new ProtectedVmCommand.RecordInSync(Direction.ToRecovery, status.Transfer?.WireBytes ?? 0);
                break;
            case Phase.Reprotecting { Direction: Direction.ToPrimary, Started: true } when inSync:
                yield return new ProtectedVmCommand.RecordInSync(
                    Direction.ToPrimary, volume.ReverseStatus().Transfer?.WireBytes ?? 0);
                break;
            case Phase.Protected:
                foreach (var fact in ResyncFacts.Of(state, status, Replica(volume, inSync)))
                {
                    yield return fact;
                }

                break;
            case Phase.ProtectedReverse:
                foreach (var fact in ResyncFacts.OfReverse(state, volume.ReverseStatus()))
                {
                    yield return fact;
                }

                break;
            case Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint or Phase.Committing or Phase.FailedOver
                when status.Role == VolumeRole.Fenced && !Has(state, HealthKind.SourceFenced):
                yield return new ProtectedVmCommand.RecordSourceFenced(status.DivergentBytes);
                break;
            default:
                break;
        }

        foreach (var fact in Faults(state, status))
        {
            yield return fact;
        }

        foreach (var disk in status.Disks.Where(d => state.Enrollment.Disks.Any(
            known => known.Path == d.Path && known.SizeBytes != d.SizeBytes && known.SizeBytes > 0)))
        {
            yield return new ProtectedVmCommand.RecordDiskResized(disk.Path, disk.SizeBytes);
        }
    }

    // Also while the disks are first copied: a source that cannot log cannot end that.
    private static IEnumerable<ProtectedVmCommand> Capture(ProtectedVmState state, VolumeStatus status)
    {
        var marking = status.Capture == "dirty-map";
        if (marking == Has(state, HealthKind.CacheFull)
            || state.Phase is not (Phase.InitialReplication or Phase.Protected
                or Phase.Reprotecting { Direction: Direction.ToRecovery }))
        {
            yield break;
        }

        yield return marking
            ? new ProtectedVmCommand.RecordDirtyMapModeEntered(status.Cause.Length > 0
                ? status.Cause : "the agent's data directory has no room for the next file of the replication log.")
            : new ProtectedVmCommand.RecordDirtyMapModeLeft();
    }

    private static ReplicaSight Replica(TargetVolume volume, bool inSync)
        => new(inSync, volume.Resyncing, volume.Fault);

    private static IEnumerable<ProtectedVmCommand> Faults(ProtectedVmState state, VolumeStatus status)
    {
        if (!state.Replication.Active || state.Replication.Paused)
        {
            yield break;
        }

        if (status.Problems is [var problem, ..] && state.Replication.Fault is null)
        {
            yield return new ProtectedVmCommand.RecordReplicationError(EffectError.Of(
                problem.Recoverable ? ErrorClass.Recoverable : ErrorClass.NonRecoverable, problem.Message,
                problem.Remedy ?? ""));
        }
        else if (status.Problems.Count == 0 && state.Replication.Fault is not null
            && status.Transfer is { Connected: true })
        {
            yield return new ProtectedVmCommand.RecordReplicationRecovered();
        }
    }

    private static IEnumerable<ProtectedVmCommand> Store(ProtectedVmState state, TargetVolume volume)
    {
        if (volume.Fault is { } fault)
        {
            if (!Has(state, HealthKind.TargetStoreCorrupt))
            {
                yield return new ProtectedVmCommand.RecordTargetStoreCorrupt(
                    fault, "See the target's storage; disable protection and protect again when the replica is lost.");
            }
        }
        else if (Has(state, HealthKind.TargetStoreCorrupt))
        {
            yield return new ProtectedVmCommand.RecordTargetStoreRepaired();
        }
    }

    private static bool Has(ProtectedVmState state, HealthKind kind) => state.Causes.Any(cause => cause.Kind == kind);

    [LoggerMessage(Level = LogLevel.Warning, Message = "agent '{Agent}' could not be directed for '{Vm}': {Reason}")]
    private partial void NotDirected(string agent, string vm, string reason);
}

using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Outages;

/// <summary>
/// Tells the entity what the model shows and its state does not know yet, by the rules by which the service compares
/// agents' reports and replicas with states.
/// </summary>
internal static class VmFacts
{
    /// <summary>Tells everything there is to be told now.</summary>
    public static void Tell(VmModel vm)
    {
        if (!vm.Kernel.Running || vm.Kernel.State.Phase is Phase.NotProtected or Phase.Disabled or Phase.EnableFailed)
        {
            return;
        }

        foreach (var fact in Of(vm, vm.Kernel.State))
        {
            if (vm.Kernel.Tell(fact) is not CommandReply.Accepted)
            {
                vm.Log.FactsRefused++;
            }
        }
    }

    /// <summary>The data that would be lost by a failover now, as the agent reports it.</summary>
    public static TimeSpan LagOf(VmModel vm)
    {
        var volume = vm.Active;
        return volume.Backlog <= 64 && !volume.Dirty ? TimeSpan.Zero : vm.Now - volume.Replica().Time;
    }

    private static IEnumerable<ProtectedVmCommand> Of(VmModel vm, ProtectedVmState state)
    {
        var away = vm.AwaySince is { } since ? vm.Now - since : TimeSpan.Zero;
        var knownAway = Has(state, HealthKind.AgentDisconnected);
        if (!knownAway && away >= vm.World.Scenario.Assumptions.AgentLostAfter)
        {
            yield return new ProtectedVmCommand.RecordAgentDisconnected($"Agent '{vm.Plan.Name}' is not connected.");
        }

        if (vm.ReplicaLost != Has(state, HealthKind.TargetStoreCorrupt))
        {
            yield return vm.ReplicaLost
                ? new ProtectedVmCommand.RecordTargetStoreCorrupt(
                    "The replica is gone with the service's storage.", "Disable protection and protect again.")
                : new ProtectedVmCommand.RecordTargetStoreRepaired();
        }

        if (!vm.Session || vm.ReplicaLost)
        {
            yield break;
        }

        foreach (var fact in Replication(vm, state))
        {
            yield return fact;
        }
    }

    private static IEnumerable<ProtectedVmCommand> Replication(VmModel vm, ProtectedVmState state)
    {
        var volume = vm.Active;
        var marking = volume is { Logging: false, Tracking: false };
        if (marking != Has(state, HealthKind.CacheFull) && state.Phase is Phase.InitialReplication or Phase.Protected
            or Phase.Reprotecting { Direction: Direction.ToRecovery })
        {
            yield return marking
                ? new ProtectedVmCommand.RecordDirtyMapModeEntered(volume.NoRoom
                    ? "the agent's data directory has no room." : "the replication log reached its limit.")
                : new ProtectedVmCommand.RecordDirtyMapModeLeft();
        }

        switch (state.Phase)
        {
            case Phase.InitialReplication when volume.InSync:
            case Phase.Reprotecting { Direction: Direction.ToRecovery, Started: true } when volume.InSync:
                yield return new ProtectedVmCommand.RecordInSync(Direction.ToRecovery, (long)volume.Sent);
                break;
            case Phase.Reprotecting { Direction: Direction.ToPrimary, Started: true } when volume.InSync:
                yield return new ProtectedVmCommand.RecordInSync(Direction.ToPrimary, (long)volume.Sent);
                break;
            case Phase.Protected:
                foreach (var fact in Delta(vm, state, marking))
                {
                    yield return fact;
                }

                break;
            case Phase.FailingOver or Phase.CommitPending or Phase.Committing or Phase.FailedOver
                when vm.Role == SourceRole.Fenced && !Has(state, HealthKind.SourceFenced):
                yield return new ProtectedVmCommand.RecordSourceFenced((long)vm.Divergent);
                break;
        }

        if (state.Replication.Active && vm.World.TargetFull != (state.Replication.Fault is not null))
        {
            yield return vm.World.TargetFull
                ? new ProtectedVmCommand.RecordReplicationError(EffectError.Of(
                    ErrorClass.Recoverable, "The target has no room for the replica.", "Free space at the target."))
                : new ProtectedVmCommand.RecordReplicationRecovered();
        }
    }

    private static IEnumerable<ProtectedVmCommand> Delta(VmModel vm, ProtectedVmState state, bool marking)
    {
        var (volume, mark) = (vm.Forward, state.Replication.Resync);
        if (mark is { Stage: ResyncStage.Running })
        {
            if (volume.InSync)
            {
                yield return new ProtectedVmCommand.RecordResyncCompleted((long)vm.Log.ResyncSent(vm));
            }
        }
        else if (mark is null or { Stage: ResyncStage.Required })
        {
            if (marking && volume.Cause == ResyncReason.LogHalfOfDisk
                && mark?.Reasons.Contains(ResyncReason.LogHalfOfDisk) != true)
            {
                yield return new ProtectedVmCommand.RecordResyncNeeded(ResyncReason.LogHalfOfDisk);
            }

            var known = mark is null || mark.Reasons.All(SourceDuty.SourceKnowsExtents);
            if (!marking && known && (volume.Dirty || volume.ReplicaResyncing))
            {
                yield return new ProtectedVmCommand.RecordResyncStarted(volume.Cause);
            }
            else if (!marking && mark is { Reasons: [var reason, ..] } && volume.InSync)
            {
                yield return new ProtectedVmCommand.RecordResyncStarted(reason);
                yield return new ProtectedVmCommand.RecordResyncCompleted(0);
            }
        }

        if (OverThreshold(vm, state) != Has(state, HealthKind.RpoExceeded))
        {
            yield return new ProtectedVmCommand.RecordLag(LagOf(vm), (long)volume.Backlog);
        }
    }

    private static bool OverThreshold(VmModel vm, ProtectedVmState state) =>
        LagOf(vm) > state.Enrollment.Policy.RpoThreshold;

    private static bool Has(ProtectedVmState state, HealthKind kind)
    {
        foreach (var cause in state.Causes)
        {
            if (cause.Kind == kind)
            {
                return true;
            }
        }

        return false;
    }
}

using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The events that end protection.</summary>
public abstract record DisablingEvent : ProtectedVmEvent
{
    private protected DisablingEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of disabling: from protection to none (ENA-15). The machine stays where it runs. The replica is deleted
/// unless the user keeps it, and is never deleted while the machine runs on it or while one of its points is held.
/// A kept replica is deleted by disabling again.
/// </summary>
internal static class Disabling
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, Disable command, DecisionContext context) =>
        NotOffered(state, Operation.Disable)
            ?? (command.KeepReplica && state.Phase is Phase.Disabled
                ? Refuse(new ProtectedVmRefusal.ReplicaIsKept(state.Enrollment.Vm))
                : !command.KeepReplica && WritablePrimary.Of(state.Phase) == PrimarySide.Target
                ? Refuse(new ProtectedVmRefusal.ReplicaIsPrimary(Operation.Disable))
                : !command.KeepReplica && ProtectedVmOperations.NoneHeld(state, Operation.Disable) is { } held
                ? Refuse(held)
                : Accept(new DisableStarted(context.Now, context.Actor, command.KeepReplica)));

    /// <summary>
    /// Returns the event that follows the release of all resources, for a disabled VM or for an abandoned enabling.
    /// </summary>
    public static ProtectedVmEvent Released(ProtectedVmState state, DateTimeOffset now) =>
        state.Phase is Phase.Disabling
            ? new ProtectionDisabled(now) : new EffectConfirmed(now, EffectKind.ReleaseProtection);

    public static ProtectedVmState Evolve(ProtectedVmState state, DisablingEvent @event) => @event switch
    {
        DisableStarted e => Start(state, e),
        ProtectionDisabled e => End(state, e),
        _ => throw state.Impossible(@event),
    };

    private static ProtectedVmState Start(ProtectedVmState state, DisableStarted e)
    {
        if (ProtectedVmOperations.Check(state, Operation.Disable) is not null)
        {
            throw state.Impossible(e);
        }

        var phase = new Phase.Disabling(e.KeepReplica, WritablePrimary.Of(state.Phase));
        return state.StopReplication().Enter(phase) with
        {
            Causes = [],
            FenceSince = null,
            DivergentBytes = null,
            Prune = null,
            Jobs = state.Jobs.CancelAll(e.At, "Protection was disabled.")
                .Start(state.EventCount, JobKind.Disable, e.By, "Protection removed", e.At),
        };
    }

    private static ProtectedVmState End(ProtectedVmState state, ProtectionDisabled e)
    {
        var disabling = state.Expect<Phase.Disabling>(e);
        return state.Enter(new Phase.Disabled(disabling.KeepReplica, disabling.Primary)) with
        {
            Points = disabling.KeepReplica ? state.Points : [],
            ReplicaSince = disabling.KeepReplica ? state.ReplicaSince : default,
            Jobs = state.Jobs.End(JobKind.Disable, JobOutcome.Succeeded, e.At),
        };
    }
}

using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Scenarios;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// The operations that a state offers. Decider and views use the same rule for each operation, so they cannot differ.
/// An offered operation can still be refused for its arguments.
/// </summary>
public static class ProtectedVmOperations
{
    /// <summary>Returns the operations that the state offers.</summary>
    public static ValueList<Operation> Offered(ProtectedVmState state) =>
        Enum.GetValues<Operation>().Where(operation => Deny(state, operation) is null).ToValueList();

    /// <summary>Returns why an operation is not offered; null when it is.</summary>
    public static ProtectedVmRefusal? Check(ProtectedVmState state, Operation operation) =>
        Deny(state, operation) is not { } refusal ? null
        : refusal is ProtectedVmRefusal.WrongPhase wrong
            ? wrong with { Offered = Offered(state).RemoveAll(IsAside) }
            : refusal;

    /// <summary>
    /// Whether everything received can be sealed as a new point now. A replica that may differ cannot be sealed (I12).
    /// </summary>
    internal static bool CanSealLatest(ProtectedVmState state) =>
        state.Phase is Phase.Protected && state.Replication.Resync is null;

    /// <summary>
    /// Returns the refusal of an operation that would delete a held point; null when it would delete none.
    /// </summary>
    /// <param name="state">The state of the VM.</param>
    /// <param name="operation">The operation.</param>
    /// <param name="except">The point that the operation does not delete; null when it deletes all.</param>
    internal static ProtectedVmRefusal? NoneHeld(
        ProtectedVmState state, Operation operation, RecoveryPointId? except = null)
    {
        var held = state.Points.Where(kept => kept.Hold is not null && kept.Id != except).ToList();
        return held is [{ Hold: { } hold } first, ..]
            ? new ProtectedVmRefusal.PointHeld(
                operation, state.Enrollment.Vm, first.Id, hold.By, held.Count - 1)
            : null;
    }

    /// <summary>Returns the VM's scenario.</summary>
    internal static ScenarioProfile ScenarioOf(ProtectedVmState state) =>
        ScenarioCatalog.Find(state.Enrollment.ScenarioId)
            ?? throw new ImpossibleEventException(
                $"The VM's scenario '{state.Enrollment.ScenarioId}' is not in the catalog.");

    private static ProtectedVmRefusal? Deny(ProtectedVmState state, Operation operation)
    {
        if (operation != Operation.Enable && state.Phase is (Phase.NotProtected or Phase.Disabled)
            && !(HasKeptReplica(state) && IsForKeptReplica(operation)))
        {
            return new ProtectedVmRefusal.NotProtected(operation);
        }

        return operation switch
        {
            Operation.Enable => CheckEnable(state),
            Operation.Disable => CheckDisable(state),
            Operation.UpdatePolicy =>
                state.Phase is Phase.EnableFailed or Phase.Disabling ? Wrong(state, operation) : null,
            Operation.Pause or Operation.Resume => CheckPauseOrResume(state, operation),
            Operation.Resync => CheckResync(state),
            Operation.MakeRecoveryPoint => CheckMakePoint(state),
            Operation.TestFailover => CheckTestFailover(state),
            Operation.CleanUpTestFailover => state.TestFailover is TestFailover.None or TestFailover.CleaningUp
                ? new ProtectedVmRefusal.NoTestFailover(state.TestFailover is TestFailover.CleaningUp) : null,
            Operation.PlannedFailover => CheckPlannedFailover(state),
            Operation.UnplannedFailover => CheckUnplannedFailover(state),
            Operation.ChangeRecoveryPoint => CheckChangePoint(state),
            Operation.Commit => CheckCommit(state),
            Operation.CancelFailover => CheckCancel(state),
            Operation.Reprotect => CheckReprotect(state),
            Operation.Failback => CheckFailback(state),
            Operation.RetryJob => state.Retries.Any(retry => retry.Waiting)
                || state.Replication is { Active: true, Paused: false, Fault: not null }
                    ? null : new ProtectedVmRefusal.NothingToRetry(),
            Operation.HoldRecoveryPoint => CheckHoldPoint(state),
            Operation.ReleaseRecoveryPoint =>
                state.Points.Any(kept => kept.Hold is not null) ? null : new ProtectedVmRefusal.NotHeld(null),
            _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "Not an operation."),
        };
    }

    // A replica on which the machine runs is more than a kept one: nothing may delete it.
    private static bool HasKeptReplica(ProtectedVmState state) =>
        state.Phase is Phase.Disabled { ReplicaKept: true, Primary: PrimarySide.Source };

    private static bool IsForKeptReplica(Operation operation) =>
        operation is Operation.Disable or Operation.HoldRecoveryPoint or Operation.ReleaseRecoveryPoint;

    private static ProtectedVmRefusal? CheckEnable(ProtectedVmState state) => state.Phase switch
    {
        Phase.Disabled { Primary: PrimarySide.Target } => new ProtectedVmRefusal.ReplicaIsPrimary(Operation.Enable),
        Phase.NotProtected or Phase.Disabled or Phase.EnableFailed { CleanUpOwed: false } => null,
        Phase.EnableFailed => new ProtectedVmRefusal.CleanUpInProgress(),
        Phase.Disabling => Wrong(state, Operation.Enable),
        _ => new ProtectedVmRefusal.AlreadyProtected(state.Enrollment.Vm, PhaseName.Of(state.Phase)),
    };

    private static ProtectedVmRefusal? CheckDisable(ProtectedVmState state) => state.Phase switch
    {
        Phase.Enabling or Phase.EnableFailed or Phase.InitialReplication or Phase.Finalizing or Phase.Protected
            or Phase.FailedOver or Phase.Reprotecting or Phase.ProtectedReverse or Phase.FailedBack or Phase.Disabled =>
            NoTest(state, Operation.Disable),
        _ => Wrong(state, Operation.Disable),
    };

    private static ProtectedVmRefusal? CheckPauseOrResume(ProtectedVmState state, Operation operation)
    {
        if (state.Phase is not (Phase.Protected or Phase.InitialReplication))
        {
            return Wrong(state, operation);
        }

        return (operation, state.Replication.Paused) switch
        {
            (Operation.Pause, true) => new ProtectedVmRefusal.ReplicationPaused(operation),
            (Operation.Resume, false) => new ProtectedVmRefusal.NotPaused(),
            _ => null,
        };
    }

    private static ProtectedVmRefusal? CheckResync(ProtectedVmState state)
    {
        if (state.Phase is not (Phase.Protected or Phase.ProtectedReverse))
        {
            return Wrong(state, Operation.Resync);
        }

        var failed = state.Retries.Any(retry => retry.Kind == EffectKind.StartResync && retry.Waiting);
        return state.Replication.Status switch
        {
            ReplicationStatus.Paused => new ProtectedVmRefusal.ReplicationPaused(Operation.Resync),
            ReplicationStatus.Resyncing when !failed => new ProtectedVmRefusal.ResyncInProgress(Operation.Resync),
            _ => null,
        };
    }

    private static ProtectedVmRefusal? CheckMakePoint(ProtectedVmState state) =>
        state.Phase is not Phase.Protected ? Wrong(state, Operation.MakeRecoveryPoint)
        : InSync(state, Operation.MakeRecoveryPoint) ?? AgentConnected(state, Operation.MakeRecoveryPoint);

    private static ProtectedVmRefusal? CheckTestFailover(ProtectedVmState state)
    {
        if (state.Phase is not Phase.Protected)
        {
            return Wrong(state, Operation.TestFailover);
        }

        return state.Replication.Resync is { Stage: not ResyncStage.Required }
            ? new ProtectedVmRefusal.ResyncInProgress(Operation.TestFailover)
            : NoTest(state, Operation.TestFailover) ?? AnyPoint(state);
    }

    private static ProtectedVmRefusal? CheckPlannedFailover(ProtectedVmState state) =>
        state.Phase is not Phase.Protected ? Wrong(state, Operation.PlannedFailover)
        : NoTest(state, Operation.PlannedFailover) ?? InSync(state, Operation.PlannedFailover)
            ?? AgentConnected(state, Operation.PlannedFailover);

    private static ProtectedVmRefusal? CheckUnplannedFailover(ProtectedVmState state) =>
        state.Phase is Phase.Protected or Phase.InitialReplication or Phase.Finalizing
            ? AnyPoint(state) : Wrong(state, Operation.UnplannedFailover);

    private static ProtectedVmRefusal? CheckChangePoint(ProtectedVmState state)
    {
        if (state.Phase is not Phase.CommitPending pending)
        {
            return Wrong(state, Operation.ChangeRecoveryPoint);
        }

        return state.Points.Any(point => point.Usable && point.Id != pending.Recovery.Point)
            ? null : new ProtectedVmRefusal.NoOtherPoint(pending.Recovery.Point);
    }

    // The commit of a failover deletes all points but its own. The commit of a failback deletes none.
    private static ProtectedVmRefusal? CheckCommit(ProtectedVmState state) => state.Phase switch
    {
        Phase.CommitPending pending =>
            NoTest(state, Operation.Commit) ?? NoneHeld(state, Operation.Commit, pending.Recovery.Point),
        Phase.FailbackCommitPending => NoTest(state, Operation.Commit),
        _ => Wrong(state, Operation.Commit),
    };

    private static ProtectedVmRefusal? CheckCancel(ProtectedVmState state) => state.Phase switch
    {
        Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint or Phase.FailingBack => null,
        Phase.FailbackCommitPending => new ProtectedVmRefusal.FailbackNotCancellable(),
        _ => Wrong(state, Operation.CancelFailover),
    };

    private static ProtectedVmRefusal? CheckReprotect(ProtectedVmState state)
    {
        var scenario = ScenarioOf(state);
        return scenario.ReverseReplication == ReverseReplicationRule.None
                ? new ProtectedVmRefusal.ScenarioForbids(scenario.Id, "it has no reverse replication, so no reprotect")
            : state.Phase is Phase.FailedOver or Phase.FailedBack ? null
            : Wrong(state, Operation.Reprotect);
    }

    private static ProtectedVmRefusal? CheckFailback(ProtectedVmState state)
    {
        var scenario = ScenarioOf(state);
        return !scenario.Failback
                ? new ProtectedVmRefusal.ScenarioForbids(scenario.Id, "failback is not supported")
            : state.Phase is not Phase.ProtectedReverse ? Wrong(state, Operation.Failback)
            : InSync(state, Operation.Failback) ?? AgentConnected(state, Operation.Failback);
    }

    // A commit and the end of protection delete points, so it is too late to hold one. In all other phases points are
    // only added, or expire.
    private static ProtectedVmRefusal? CheckHoldPoint(ProtectedVmState state) =>
        state.Phase is Phase.Committing or Phase.Disabling ? Wrong(state, Operation.HoldRecoveryPoint)
        : state.Points.Count == 0 ? new ProtectedVmRefusal.NoUsablePoint("recovery point to hold") : null;

    private static ProtectedVmRefusal? InSync(ProtectedVmState state, Operation operation) =>
        state.Replication.Status switch
        {
            ReplicationStatus.Paused => new ProtectedVmRefusal.ReplicationPaused(operation),
            ReplicationStatus.Resyncing => new ProtectedVmRefusal.ResyncInProgress(operation),
            ReplicationStatus.ResyncRequired => new ProtectedVmRefusal.ResyncRequired(operation),
            _ => null,
        };

    private static ProtectedVmRefusal? NoTest(ProtectedVmState state, Operation operation) =>
        state.TestFailover is TestFailover.None ? null : new ProtectedVmRefusal.TestFailoverActive(operation);

    private static ProtectedVmRefusal? AnyPoint(ProtectedVmState state) =>
        CanSealLatest(state) || state.Points.Any(point => point.Usable)
            ? null : new ProtectedVmRefusal.NoUsablePoint("recovery point");

    private static ProtectedVmRefusal? AgentConnected(ProtectedVmState state, Operation operation) =>
        state.Causes.Any(cause => cause.Kind == Health.HealthKind.AgentDisconnected)
            ? new ProtectedVmRefusal.AgentDisconnected(operation, state.Enrollment.Agent) : null;

    // Operations that nearly every phase offers are no way out of the wrong one.
    private static bool IsAside(Operation operation) =>
        operation is Operation.UpdatePolicy or Operation.HoldRecoveryPoint or Operation.ReleaseRecoveryPoint;

    // Check fills in what is possible instead.
    private static ProtectedVmRefusal.WrongPhase Wrong(ProtectedVmState state, Operation operation) =>
        new(operation, PhaseName.Of(state.Phase), []);
}

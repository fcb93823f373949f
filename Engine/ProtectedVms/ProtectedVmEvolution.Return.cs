using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmEvolution
{
    private static ProtectedVmState Undo(
        ProtectedVmState state, ProtectedVmEvent e, Term term, string by, string? error)
    {
        var undoable = state.Phase is Phase.FailingOver or Phase.FailingBack
            || (e is CancelStarted && state.Phase is (Phase.CommitPending or Phase.ChangingPoint));
        if (!undoable || term != state.Term.Next())
        {
            throw Impossible(state, e);
        }

        var direction = state.Phase is Phase.FailingBack ? Direction.ToPrimary : Direction.ToRecovery;
        var outcome = error is null ? JobOutcome.Cancelled : JobOutcome.Failed;
        var next = Enter(state, new Phase.Cancelling(direction)) with
        {
            Term = term,
            FenceSince = null,
            DivergentBytes = null,
            Replication = ReplicationState.Idle with { Resync = state.Replication.Resync },
            Jobs = state.Jobs
                .End(JobKind.PlannedFailover, outcome, e.At, error)
                .End(JobKind.UnplannedFailover, outcome, e.At, error)
                .End(JobKind.Failback, outcome, e.At, error)
                .End(JobKind.ChangeRecoveryPoint, outcome, e.At, error)
                .Start(state.EventCount, JobKind.Cancel, by, "Failover undone", e.At),
        };
        return e is FailoverFailed failed
            ? RaiseFailed(next, direction == Direction.ToRecovery ? "failover" : "failback", failed.Error, e.At)
            : Without(next, HealthKind.OperationFailed);
    }

    private static ProtectedVmState EndCancel(ProtectedVmState state, FailoverCancelled e)
    {
        var toRecovery = Expect<Phase.Cancelling>(state, e).Direction == Direction.ToRecovery;
        var back = toRecovery ? Forward(state) : new Phase.ProtectedReverse();
        return Enter(Without(state, HealthKind.SourceFenced), back) with
        {
            Replication = ReplicationState.Started with { Resync = Resumed(state, e.At) },
            PointSchedule = FirstPoint(state, back, e.At),
            Jobs = state.Jobs.End(JobKind.Cancel, JobOutcome.Succeeded, e.At),
        };
    }

    // A failover during initial replication leaves the last settings still to be applied (ENA-14).
    private static Phase Forward(ProtectedVmState state) =>
        state.Finalized ? new Phase.Protected() : new Phase.Finalizing();

    private static PointSchedule FirstPoint(ProtectedVmState state, Phase phase, DateTimeOffset at) =>
        phase is Phase.Protected ? state.PointSchedule.Stopped with { NextAt = at, LastAt = at }
            : state.PointSchedule.Stopped;

    // What the data plane does by itself it takes up again; what was ordered is ordered anew; what waits is decided
    // anew.
    private static ResyncMark? Resumed(ProtectedVmState state, DateTimeOffset at) => state.Replication.Resync switch
    {
        null => null,
        { Stage: ResyncStage.Required } mark => mark with { StartsAt = at },
        { Since: 0 } mark => mark,
        { } mark => mark with { Stage = ResyncStage.Ordered, Since = state.EventCount },
    };

    private static ProtectedVmState Reprotect(ProtectedVmState state, ReprotectStarted e)
    {
        var from = state.Phase switch
        {
            Phase.FailedOver => Direction.ToPrimary,
            Phase.FailedBack => Direction.ToRecovery,
            _ => throw Impossible(state, e),
        };
        return e.Direction != from
            ? throw Impossible(state, e)
            : Enter(state, new Phase.Reprotecting(e.Direction, false)) with
            {
                FenceSince = null,
                DivergentBytes = null,
                Jobs = state.Jobs.Start(state.EventCount, JobKind.Reprotect, e.By, "Replication started", e.At),
            };
    }

    private static ProtectedVmState EndReprotect(ProtectedVmState state, ReprotectCompleted e)
    {
        var reprotecting = Expect<Phase.Reprotecting>(state, e);
        if (reprotecting.Direction != e.Direction)
        {
            throw Impossible(state, e);
        }

        var next = e.Direction == Direction.ToRecovery ? Forward(state) : new Phase.ProtectedReverse();
        return Enter(Without(state, HealthKind.SourceFenced), next) with
        {
            Replication = ReplicationState.Started,
            PointSchedule = FirstPoint(state, next, e.At),
            Jobs = state.Jobs.End(JobKind.Reprotect, JobOutcome.Succeeded, e.At),
        };
    }

    private static ProtectedVmState FailBack(ProtectedVmState state, FailbackStarted e)
    {
        Expect<Phase.ProtectedReverse>(state, e);
        return e.Term != state.Term.Next()
            ? throw Impossible(state, e)
            : Enter(
                Without(StopReplication(state), HealthKind.OperationFailed),
                new Phase.FailingBack(FailoverStep.Quiescing)) with
            {
                Term = e.Term,
                Jobs = state.Jobs
                    .End(JobKind.Resync, JobOutcome.Cancelled, e.At, "A failback began.")
                    .Start(state.EventCount, JobKind.Failback, e.By, "Target stopped, last changes shipped", e.At),
            };
    }

    private static ProtectedVmState BecomeFailedBack(ProtectedVmState state, FailbackCommitted e)
    {
        Expect<Phase.CommittingFailback>(state, e);
        return Enter(Without(state, HealthKind.OperationFailed), new Phase.FailedBack()) with
        {
            Jobs = state.Jobs.End(JobKind.Commit, JobOutcome.Succeeded, e.At),
        };
    }

    private static JobKind? JobOf(ProtectedVmState state, EffectKind kind) => kind switch
    {
        EffectKind.CheckPrerequisites or EffectKind.AttachSource or EffectKind.PrepareTarget
            or EffectKind.StartInitialReplication => JobKind.Enable,
        EffectKind.FinalizeProtection => JobKind.InitialReplication,
        EffectKind.TakeRecoveryPoint => JobKind.RecoveryPoint,
        EffectKind.StartResync => JobKind.Resync,
        EffectKind.StartTestFailover => JobKind.TestFailover,
        EffectKind.CleanUpTestFailover => JobKind.TestFailoverCleanUp,
        EffectKind.QuiesceSource or EffectKind.PrepareFailover when state.Phase is Phase.FailingOver over =>
            JobOf(over.Kind),
        EffectKind.SwitchRecoveredPoint => JobKind.ChangeRecoveryPoint,
        EffectKind.CommitFailover or EffectKind.CommitFailback => JobKind.Commit,
        EffectKind.CancelFailover => JobKind.Cancel,
        EffectKind.StartReverseReplication or EffectKind.StartForwardReplication => JobKind.Reprotect,
        EffectKind.QuiesceTarget or EffectKind.PromoteSource => JobKind.Failback,
        EffectKind.ReleaseProtection => JobKind.Disable,
        _ => null,
    };
}

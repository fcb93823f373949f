using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmEvolution
{
    private static ProtectedVmState FoldFailover(ProtectedVmState state, ProtectedVmEvent @event) => @event switch
    {
        TestFailoverStarted e => StartTest(state, e),
        TestFailoverReady e => state.TestFailover is TestFailover.Starting
            ? state with
            {
                TestFailover = new TestFailover.Active(e.Point, e.Exports, e.At),
                Jobs = state.Jobs.End(JobKind.TestFailover, JobOutcome.Succeeded, e.At),
            }
            : throw Impossible(state, e),
        TestFailoverCleanUpStarted e => CleanUpTest(state, e),
        TestFailoverCleanedUp e => state.TestFailover is TestFailover.CleaningUp
            ? state with
            {
                TestFailover = new TestFailover.None(),
                Jobs = state.Jobs.End(JobKind.TestFailoverCleanUp, JobOutcome.Succeeded, e.At),
            }
            : throw Impossible(state, e),
        FailoverStarted e => FailOver(state, e),
        WritesQuiesced e => Promote(state, e),
        FailoverReady e => AwaitCommit(state, e),
        FailoverFailed e => Undo(state, e, e.Term, ProtectedVm.EngineActor, Text(e.Error)),
        RecoveryPointChangeStarted e => ChangePoint(state, e),
        RecoveryPointChanged e => StayOrMove(state, e, e.Recovery, null),
        RecoveryPointChangeFailed e => StayOrMove(state, e, null, e.Error),
        CommitStarted e => Commit(state, e),
        FailoverCommitted e => BecomeFailedOver(state, e),
        CancelStarted e => Undo(state, e, e.Term, e.By, null),
        FailoverCancelled e => EndCancel(state, e),
        ReprotectStarted e => Reprotect(state, e),
        ReprotectCompleted e => EndReprotect(state, e),
        FailbackStarted e => FailBack(state, e),
        FailbackReady e => state.Phase is Phase.FailingBack { Step: FailoverStep.Promoting }
            ? Enter(state, new Phase.FailbackCommitPending()) with
            {
                Jobs = state.Jobs.End(JobKind.Failback, JobOutcome.Succeeded, e.At),
            }
            : throw Impossible(state, e),
        FailbackCommitted e => BecomeFailedBack(state, e),
        SourceFenced e => Fence(state, e),
        _ => throw new ImpossibleEventException($"{@event.GetType().Name} is not an event of a protected VM."),
    };

    private static ProtectedVmState StartTest(ProtectedVmState state, TestFailoverStarted e)
    {
        Expect<Phase.Protected>(state, e);
        return state.TestFailover is TestFailover.None
            ? Without(state, HealthKind.OperationFailed) with
            {
                TestFailover = new TestFailover.Starting(e.Point, state.EventCount),
                Jobs = state.Jobs.Start(
                    state.EventCount, JobKind.TestFailover, e.By, "Copy of the point exported", e.At),
            }
            : throw Impossible(state, e);
    }

    private static ProtectedVmState CleanUpTest(ProtectedVmState state, TestFailoverCleanUpStarted e)
    {
        if (state.TestFailover is not (TestFailover.Starting or TestFailover.Active))
        {
            throw Impossible(state, e);
        }

        var outcome = e.Error is null ? JobOutcome.Cancelled : JobOutcome.Failed;
        var next = state with
        {
            TestFailover = new TestFailover.CleaningUp(state.EventCount),
            Jobs = state.Jobs.End(JobKind.TestFailover, outcome, e.At, e.Error is null ? e.Notes : Text(e.Error))
                .Start(state.EventCount, JobKind.TestFailoverCleanUp, e.By, "Copy removed", e.At),
        };
        return e.Error is null ? next : RaiseFailed(next, "test failover", e.Error, e.At);
    }

    private static ProtectedVmState FailOver(ProtectedVmState state, FailoverStarted e)
    {
        if (state.Phase is not (Phase.Protected or Phase.InitialReplication or Phase.Finalizing)
            || e.Term != state.Term.Next())
        {
            throw Impossible(state, e);
        }

        var planned = e.Kind == FailoverKind.Planned;
        var step = planned || e.TryShutdown ? FailoverStep.Quiescing : FailoverStep.Promoting;
        var name = step == FailoverStep.Quiescing ? "Source stopped, last changes shipped" : "Target made writable";
        var stopped = Without(
            StopReplication(state), HealthKind.RpoExceeded, HealthKind.NoRecentPoint, HealthKind.CacheFull,
            HealthKind.OperationFailed, HealthKind.SourceNotServed, HealthKind.ReplicationStalled, HealthKind.NoHooks,
            HealthKind.AppConsistencyFailed);
        return Enter(stopped, new Phase.FailingOver(e.Kind, step, e.Point, state.Term, e.At) { Forced = e.Forced }) with
        {
            Term = e.Term,
            DivergentBytes = null,
            FenceSince = planned ? null : state.EventCount,
            Replication = ReplicationState.Idle with { Resync = Halted(state, e.At) },
            Jobs = state.Jobs
                .End(JobKind.Resync, JobOutcome.Cancelled, e.At, "A failover began.")
                .End(JobKind.RecoveryPoint, JobOutcome.Cancelled, e.At, "A failover began.")
                .End(JobKind.InitialReplication, JobOutcome.Cancelled, e.At, "A failover began.")
                .Start(state.EventCount, planned ? JobKind.PlannedFailover : JobKind.UnplannedFailover, e.By, name,
                    e.At),
        };
    }

    // A failover stops a resync or the initial replication; the mark stays for the case that the failover is undone.
    private static ResyncMark? Halted(ProtectedVmState state, DateTimeOffset at) =>
        state.Phase is Phase.InitialReplication
            ? new ResyncMark([ResyncReason.TransferFailed], at, ResyncStage.Running, null, 0)
            : state.Replication.Resync;

    private static ProtectedVmState Promote(ProtectedVmState state, WritesQuiesced e) => state.Phase switch
    {
        Phase.FailingOver { Step: FailoverStep.Quiescing } over =>
            Enter(state, over with { Step = FailoverStep.Promoting }) with
            {
                Jobs = state.Jobs.NextStep(JobOf(over.Kind), "Target made writable", e.At),
            },
        Phase.FailingBack { Step: FailoverStep.Quiescing } =>
            Enter(state, new Phase.FailingBack(FailoverStep.Promoting)) with
            {
                Jobs = state.Jobs.NextStep(JobKind.Failback, "Source made writable", e.At),
            },
        _ => throw Impossible(state, e),
    };

    private static ProtectedVmState AwaitCommit(ProtectedVmState state, FailoverReady e)
    {
        var over = Expect<Phase.FailingOver>(state, e);
        return over.Step == FailoverStep.Promoting
            ? Enter(state, new Phase.CommitPending(e.Recovery)) with
            {
                Jobs = state.Jobs.End(JobOf(over.Kind), JobOutcome.Succeeded, e.At),
            }
            : throw Impossible(state, e);
    }

    private static ProtectedVmState ChangePoint(ProtectedVmState state, RecoveryPointChangeStarted e) =>
        Enter(state, new Phase.ChangingPoint(Expect<Phase.CommitPending>(state, e).Recovery, e.Point)) with
        {
            Jobs = state.Jobs.Start(
                state.EventCount, JobKind.ChangeRecoveryPoint, e.By, "Target moved to the other point", e.At),
        };

    private static ProtectedVmState StayOrMove(
        ProtectedVmState state, ProtectedVmEvent e, Recovery? moved, EffectError? error)
    {
        var changing = Expect<Phase.ChangingPoint>(state, e);
        var next = Enter(state, new Phase.CommitPending(moved ?? changing.Recovery)) with
        {
            Jobs = state.Jobs.End(
                JobKind.ChangeRecoveryPoint, error is null ? JobOutcome.Succeeded : JobOutcome.Failed, e.At,
                error is null ? null : Text(error)),
        };
        return error is null ? Without(next, HealthKind.OperationFailed)
            : RaiseFailed(next, "change of recovery point", error, e.At);
    }

    private static ProtectedVmState Commit(ProtectedVmState state, CommitStarted e)
    {
        Phase phase = state.Phase switch
        {
            Phase.CommitPending pending => new Phase.Committing(pending.Recovery),
            Phase.FailbackCommitPending => new Phase.CommittingFailback(),
            _ => throw Impossible(state, e),
        };
        return Enter(state, phase) with
        {
            Jobs = state.Jobs.Start(state.EventCount, JobKind.Commit, e.By, "Made final", e.At),
        };
    }

    private static ProtectedVmState BecomeFailedOver(ProtectedVmState state, FailoverCommitted e)
    {
        var recovery = Expect<Phase.Committing>(state, e).Recovery;
        return Enter(Without(state, HealthKind.OperationFailed), new Phase.FailedOver(recovery)
        {
            GaveUpNewerPoints = HoldsMore(state, recovery.Point),
        }) with
        {
            Replication = ReplicationState.Idle,
            Points = state.Points.RemoveAll(point => point.Id != recovery.Point),
            Prune = null,
            Jobs = state.Jobs.End(JobKind.Commit, JobOutcome.Succeeded, e.At),
        };
    }

    // By the writes that it holds, not by its time: of two points without a write between them none is newer.
    private static bool HoldsMore(ProtectedVmState state, RecoveryPointId chosen)
    {
        var of = state.Points.First(kept => kept.Id == chosen).Point;
        return state.Points.Any(kept =>
            kept.Point.Generation.Value > of.Generation.Value
            || (kept.Point.Generation == of.Generation && kept.Point.Lsn.Value > of.Lsn.Value));
    }

    /// <summary>What health says of a fenced source.</summary>
    public static HealthCause FencedCause(SourceFenced e) => new(
        HealthKind.SourceFenced, "", HealthLevel.Warning,
        $"The old source is fenced; {e.DivergentBytes} bytes it wrote alone are kept aside.",
        e.DivergentBytes == 0 ? "" : "Save them from its disks, which are served read-only, before a reprotect with "
            + "--discard makes the old source equal to the recovered machine.", e.At);

    private static ProtectedVmState Fence(ProtectedVmState state, SourceFenced e) =>
        Raise(state with { FenceSince = null, DivergentBytes = e.DivergentBytes }, FencedCause(e));

    private static ProtectedVmState RaiseFailed(
        ProtectedVmState state, string operation, EffectError error, DateTimeOffset at) =>
        Raise(state, new HealthCause(
            HealthKind.OperationFailed, operation, HealthLevel.Warning,
                $"The {operation} was given up: {error.Message}",
            error.Remedy, at));

    private static JobKind JobOf(FailoverKind kind) =>
        kind == FailoverKind.Planned ? JobKind.PlannedFailover : JobKind.UnplannedFailover;
}

using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands that commit or undo a failover or failback.</summary>
public abstract record SettlingCommand : ProtectedVmCommand
{
    private protected SettlingCommand()
    {
    }
}

/// <summary>The events that commit or undo a failover or failback.</summary>
public abstract record SettlingEvent : ProtectedVmEvent
{
    private protected SettlingEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules that end a failover or failback: it is committed and final (FOV-4), or it is undone under a new term
/// (FOV-10) because a user requested it or an effect failed permanently.
/// </summary>
internal static class Settling
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, SettlingCommand command, DecisionContext context) => command switch
    {
        Commit => NotOffered(state, Operation.Commit) ?? Accept(new CommitStarted(context.Now, context.Actor)),
        ProtectedVmCommand.CancelFailover c => OnCancel(state, c, context),
        _ => Accept(),
    };

    /// <summary>Returns the events that follow a finished effect of a commit or cancel.</summary>
    public static ValueList<ProtectedVmEvent> Done(
        ProtectedVmState state, ProtectedVmEffect effect, DateTimeOffset now) => effect switch
    {
        ProtectedVmEffect.CommitFailover =>
            [new FailoverCommitted(now), .. Returning.ByItself(state, Direction.ToPrimary, now)],
        ProtectedVmEffect.CommitFailback =>
            [new FailbackCommitted(now), .. Returning.ByItself(state, Direction.ToRecovery, now)],
        _ => [new FailoverCancelled(now)],
    };

    public static ProtectedVmState Evolve(ProtectedVmState state, SettlingEvent @event) => @event switch
    {
        CommitStarted e => BeginCommit(state, e),
        FailoverCommitted e => BecomeFailedOver(state, e),
        FailbackCommitted e => BecomeFailedBack(state, e),
        CancelStarted e => Undo(state, e, e.Term, e.By, null),
        FailoverFailed e => Undo(state, e, e.Term, ProtectedVm.EngineActor, e.Error),
        FailoverCancelled e => EndCancel(state, e),
        _ => throw state.Impossible(@event),
    };

    private static Decision<ProtectedVmEvent> OnCancel(
        ProtectedVmState state, ProtectedVmCommand.CancelFailover command, DecisionContext context)
    {
        if (NotOffered(state, Operation.CancelFailover) is { } refused)
        {
            return refused;
        }

        // Until the side that takes over is known to be writable, no client has its disks: nothing can be lost.
        var bytes = state.Phase is Phase.CommitPending or Phase.ChangingPoint
            ? Math.Max(0, command.TargetWrittenBytes) : 0;
        return bytes > 0 && !command.Discard
            ? Refuse(new ProtectedVmRefusal.TargetHasWrites(bytes, Operation.CancelFailover))
            : Accept(new CancelStarted(context.Now, context.Actor, bytes, state.Term.Next()));
    }

    private static ProtectedVmState BeginCommit(ProtectedVmState state, CommitStarted e)
    {
        Phase phase = state.Phase switch
        {
            Phase.CommitPending pending => new Phase.Committing(pending.Recovery),
            Phase.FailbackCommitPending => new Phase.CommittingFailback(),
            _ => throw state.Impossible(e),
        };
        return state.Enter(phase) with
        {
            Jobs = state.Jobs.Start(state.EventCount, JobKind.Commit, e.By, "Failover committed", e.At),
        };
    }

    private static ProtectedVmState BecomeFailedOver(ProtectedVmState state, FailoverCommitted e)
    {
        // None of the deleted points is held: a commit is refused while one is, and none can be held meanwhile.
        var recovery = state.Expect<Phase.Committing>(e).Recovery;
        return state.Without(HealthKind.OperationFailed).Enter(new Phase.FailedOver(recovery)
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

    // Compares by the writes that the points hold, not by time: of two points without a write between them none is
    // newer.
    private static bool HoldsMore(ProtectedVmState state, RecoveryPointId chosen)
    {
        var of = state.Points.First(kept => kept.Id == chosen).Point;
        return state.Points.Any(kept =>
            kept.Point.Generation.Value > of.Generation.Value
            || (kept.Point.Generation == of.Generation && kept.Point.Lsn.Value > of.Lsn.Value));
    }

    private static ProtectedVmState BecomeFailedBack(ProtectedVmState state, FailbackCommitted e)
    {
        state.Expect<Phase.CommittingFailback>(e);
        return state.Without(HealthKind.OperationFailed).Enter(new Phase.FailedBack()) with
        {
            Jobs = state.Jobs.End(JobKind.Commit, JobOutcome.Succeeded, e.At),
        };
    }

    private static ProtectedVmState Undo(
        ProtectedVmState state, SettlingEvent e, Term term, string by, EffectError? error)
    {
        var undoable = state.Phase is Phase.FailingOver or Phase.FailingBack
            || (error is null && state.Phase is (Phase.CommitPending or Phase.ChangingPoint));
        if (!undoable || term != state.Term.Next())
        {
            throw state.Impossible(e);
        }

        var direction = state.Phase is Phase.FailingBack ? Direction.ToPrimary : Direction.ToRecovery;
        var (outcome, why) = (error is null ? JobOutcome.Cancelled : JobOutcome.Failed, error?.InWords());
        var next = state.Enter(new Phase.Cancelling(direction)) with
        {
            Term = term,
            FenceSince = null,
            DivergentBytes = null,
            Replication = ReplicationState.Idle with { Resync = state.Replication.Resync },
            Jobs = state.Jobs
                .End(JobKind.PlannedFailover, outcome, e.At, why)
                .End(JobKind.UnplannedFailover, outcome, e.At, why)
                .End(JobKind.Failback, outcome, e.At, why)
                .End(JobKind.ChangeRecoveryPoint, outcome, e.At, why)
                .Start(state.EventCount, JobKind.Cancel, by, "Failover undone", e.At),
        };
        return error is null
            ? next.Without(HealthKind.OperationFailed)
            : next.RaiseGivenUp(direction == Direction.ToRecovery ? "failover" : "failback", error, e.At);
    }

    private static ProtectedVmState EndCancel(ProtectedVmState state, FailoverCancelled e)
    {
        var toRecovery = state.Expect<Phase.Cancelling>(e).Direction == Direction.ToRecovery;
        var back = toRecovery ? Replicating.ToRecovery(state) : new Phase.ProtectedReverse();
        return state.Without(HealthKind.SourceFenced).Enter(back) with
        {
            Replication = ReplicationState.Started with { Resync = Resynchronizing.Resumed(state, e.At) },
            PointSchedule = Points.ScheduleIn(back, state, e.At),
            Jobs = state.Jobs.End(JobKind.Cancel, JobOutcome.Succeeded, e.At),
        };
    }
}

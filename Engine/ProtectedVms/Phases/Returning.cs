using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Scenarios;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands of the return after a failover.</summary>
public abstract record ReturningCommand : ProtectedVmCommand
{
    private protected ReturningCommand()
    {
    }
}

/// <summary>The events of the return after a failover.</summary>
public abstract record ReturningEvent : ProtectedVmEvent
{
    private protected ReturningEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of the return after a committed failover (FOV-6, FOV-7): replication in the other direction until both
/// sides are equal, failback to the source, and replication in the first direction again.
/// </summary>
internal static class Returning
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, ReturningCommand command, DecisionContext context) => command switch
    {
        Reprotect c => OnReprotect(state, c, context),
        Failback => NotOffered(state, Operation.Failback)
            ?? Accept(new FailbackStarted(context.Now, context.Actor, state.Term.Next())),
        _ => Accept(),
    };

    /// <summary>
    /// Returns the events of the automatic reprotect after a commit, in a scenario whose reverse replication is
    /// automatic (SCN-5). When writes that only the old source holds may be lost, an operator decides instead.
    /// </summary>
    public static ValueList<ProtectedVmEvent> ByItself(
        ProtectedVmState state, Direction direction, DateTimeOffset now) =>
        ProtectedVmOperations.ScenarioOf(state).ReverseReplication == ReverseReplicationRule.Automatic
        && !(state.Phase is Phase.Committing committing && MayOverwrite(state, committing.Recovery))
            ? [new ReprotectStarted(now, ProtectedVm.EngineActor, direction)]
            : [];

    /// <summary>
    /// Returns the event that follows a finished effect of a failback; null when the result does not belong to the
    /// effect.
    /// </summary>
    public static ProtectedVmEvent? Succeeded(ProtectedVmEffect effect, EffectResult result, DateTimeOffset now) =>
        (effect, result) switch
        {
            (ProtectedVmEffect.QuiesceTarget, EffectResult.Quiesced quiesced) =>
                new WritesQuiesced(now, quiesced.LastLsn, null),
            (ProtectedVmEffect.PromoteSource, EffectResult.Done) => new FailbackReady(now),
            _ => null,
        };

    public static ProtectedVmState Evolve(ProtectedVmState state, ReturningEvent @event) => @event switch
    {
        ReprotectStarted e => StartReprotect(state, e),
        ReprotectCompleted e => EndReprotect(state, e),
        FailbackStarted e => StartFailback(state, e),
        FailbackReady e => state.Phase is Phase.FailingBack { Step: FailoverStep.Promoting }
            ? state.Enter(new Phase.FailbackCommitPending()) with
            {
                Jobs = state.Jobs.End(JobKind.Failback, JobOutcome.Succeeded, e.At),
            }
            : throw state.Impossible(e),
        _ => throw state.Impossible(@event),
    };

    // The bytes that a fenced source reports as divergent, what a source that was not heard of may have written, and
    // what the points newer than the chosen one held. A planned failover takes everything along. What a failback leaves
    // behind is the recovered machine's own past.
    private static Decision<ProtectedVmEvent> OnReprotect(
        ProtectedVmState state, Reprotect command, DecisionContext context)
    {
        if (NotOffered(state, Operation.Reprotect) is { } refused)
        {
            return refused;
        }

        if (state.Phase is not Phase.FailedOver over)
        {
            return Accept(new ReprotectStarted(context.Now, context.Actor, Direction.ToRecovery));
        }

        var heard = state.DivergentBytes;
        var mayHave = MayOverwrite(state, over.Recovery);
        return command.Discard || !(mayHave || over.GaveUpNewerPoints)
                ? Accept(new ReprotectStarted(context.Now, context.Actor, Direction.ToPrimary)
                {
                    DiscardedBytes = heard ?? 0,
                    DiscardedUnknown = over.GaveUpNewerPoints || (mayHave && heard is null),
                })
            : mayHave ? Refuse(new ProtectedVmRefusal.SourceHasWrites(heard, state.Enrollment.Agent))
            : Refuse(new ProtectedVmRefusal.SourceIsNewer(over.Recovery.Point));
    }

    private static bool MayOverwrite(ProtectedVmState state, Recovery recovery) =>
        state.DivergentBytes is > 0
        || (state.DivergentBytes is null && recovery.Kind == FailoverKind.Unplanned);

    private static ProtectedVmState StartReprotect(ProtectedVmState state, ReprotectStarted e)
    {
        var from = state.Phase switch
        {
            Phase.FailedOver => Direction.ToPrimary,
            Phase.FailedBack => Direction.ToRecovery,
            _ => throw state.Impossible(e),
        };
        return e.Direction != from
            ? throw state.Impossible(e)
            : state.Enter(new Phase.Reprotecting(e.Direction, false)) with
            {
                FenceSince = null,
                DivergentBytes = null,
                Jobs = state.Jobs.Start(state.EventCount, JobKind.Reprotect, e.By, "Replication started", e.At),
            };
    }

    private static ProtectedVmState EndReprotect(ProtectedVmState state, ReprotectCompleted e)
    {
        var reprotecting = state.Expect<Phase.Reprotecting>(e);
        if (reprotecting.Direction != e.Direction)
        {
            throw state.Impossible(e);
        }

        var next = e.Direction == Direction.ToRecovery
            ? Replicating.ToRecovery(state) : new Phase.ProtectedReverse();
        return state.Without(HealthKind.SourceFenced).Enter(next) with
        {
            Replication = ReplicationState.Started,
            PointSchedule = Points.ScheduleIn(next, state, e.At),
            Jobs = state.Jobs.End(JobKind.Reprotect, JobOutcome.Succeeded, e.At),
        };
    }

    private static ProtectedVmState StartFailback(ProtectedVmState state, FailbackStarted e)
    {
        state.Expect<Phase.ProtectedReverse>(e);
        return e.Term != state.Term.Next()
            ? throw state.Impossible(e)
            : state.StopReplication().Without(HealthKind.OperationFailed)
                .Enter(new Phase.FailingBack(FailoverStep.Quiescing)) with
            {
                Term = e.Term,
                Jobs = state.Jobs
                    .End(JobKind.Resync, JobOutcome.Cancelled, e.At, "A failback began.")
                    .Start(state.EventCount, JobKind.Failback, e.By, "Target stopped, last changes shipped", e.At),
            };
    }
}

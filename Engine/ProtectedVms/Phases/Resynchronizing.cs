using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands about resyncs.</summary>
public abstract record ResynchronizingCommand : ProtectedVmCommand
{
    private protected ResynchronizingCommand()
    {
    }
}

/// <summary>The events of a resync.</summary>
public abstract record ResynchronizingEvent : ProtectedVmEvent
{
    private protected ResynchronizingEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of a resync (RES-1 to RES-8). A resync is marked when the replica may differ. It is ordered by a user, by
/// the policy's window or by the mark itself, or the data plane begins it; then it runs until both sides are equal.
/// </summary>
internal static class Resynchronizing
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, ResynchronizingCommand command, DecisionContext context) => command switch
    {
        StartResync => NotOffered(state, Operation.Resync) ?? Accept(new ResyncStarted(
            context.Now, context.Actor, state.Replication.Resync?.Reasons ?? [ResyncReason.UserRequest],
            Ordered: true)),
        RecordResyncNeeded c => AcceptAll(Marked(state, c.Reason, context)),
        RecordResyncStarted c when IsPossible(state) && MayBeginByItself(state) =>
            Accept(new ResyncStarted(context.Now, ProtectedVm.EngineActor, [c.Reason], Ordered: false)),
        RecordResyncCompleted c when Runs(state) => Accept(new ResyncCompleted(context.Now, c.SentBytes)),
        RecordResyncFailed c when Runs(state) =>
            Accept(Effects.Failed(state, EffectKind.StartResync, c.Error, context)),
        _ => Accept(),
    };

    /// <summary>
    /// Returns the events of a new reason for a resync, which is ordered at once when the policy says so.
    /// </summary>
    public static ValueList<ProtectedVmEvent> Marked(
        ProtectedVmState state, ResyncReason reason, DecisionContext context)
    {
        if (!IsPossible(state))
        {
            return [];
        }

        if (state.Replication.Resync is { } mark)
        {
            return mark.Reasons.Contains(reason) ? [] : [new ResyncMarked(context.Now, [reason], mark.StartsAt)];
        }

        if (state.Replication.Paused)
        {
            return [new ResyncMarked(context.Now, [reason], null)];
        }

        var startsAt = state.Enrollment.Policy.ResyncStart(context.Now);
        var marked = new ResyncMarked(context.Now, [reason], startsAt);
        return startsAt <= context.Now && state.Phase is not Phase.Finalizing
            ? [marked, new ResyncStarted(context.Now, ProtectedVm.EngineActor, [reason], Ordered: true)]
            : [marked];
    }

    /// <summary>
    /// Reschedules a required resync after its start rule may have changed: a new policy, or the end of a pause.
    /// </summary>
    public static ValueList<ProtectedVmEvent> Rescheduled(ProtectedVmState state, DecisionContext context)
    {
        var marked = state.Replication is { Active: true, Resync.Stage: ResyncStage.Required };
        var resuming = state.Replication is { Resync.StartsAt: null };
        if (!marked || (state.Replication.Paused && !resuming))
        {
            return [];
        }

        return [new ResyncMarked(context.Now, [], state.Enrollment.Policy.ResyncStart(context.Now))];
    }

    /// <summary>Returns the events when the timer of a required resync is due.</summary>
    public static ValueList<ProtectedVmEvent> Due(ProtectedVmState state, DateTimeOffset now)
    {
        var startsAt = state.Enrollment.Policy.ResyncStart(now);
        var reckoned = state.Replication.Resync?.StartsAt;

        // The window is a time of day: a clock that was set back lets the timer fire before the window opens.
        return startsAt > now && startsAt == reckoned ? []
            : startsAt <= now
            ? [new ResyncStarted(now, ProtectedVm.EngineActor, state.Replication.Resync?.Reasons ?? [], Ordered: true)]
            : [new ResyncMarked(now, [], startsAt)];
    }

    /// <summary>
    /// Returns the resync mark after an undone failover. The data plane resumes what it began itself, an ordered resync
    /// is ordered again, and a waiting one is scheduled again.
    /// </summary>
    public static ResyncMark? Resumed(ProtectedVmState state, DateTimeOffset at) => state.Replication.Resync switch
    {
        null => null,
        { Stage: ResyncStage.Required } mark => mark with { StartsAt = at },
        { Since: 0 } mark => mark,
        { } mark => mark with { Stage = ResyncStage.Ordered, Since = state.EventCount },
    };

    public static ProtectedVmState Evolve(ProtectedVmState state, ResynchronizingEvent @event) => @event switch
    {
        ResyncMarked e => Mark(state, e),
        ResyncStarted e => Start(state, e),
        ResyncCompleted e => Points.DueAt(
            e.At, state.Replicate(e, replication => replication with { Resync = null })) with
        {
            Jobs = state.Jobs.End(JobKind.Resync, JobOutcome.Succeeded, e.At),
        },
        _ => throw state.Impossible(@event),
    };

    // Initial replication sends everything anyway; the other phases have no replication.
    private static bool IsPossible(ProtectedVmState state) =>
        state.Phase is Phase.Finalizing or Phase.Protected or Phase.ProtectedReverse;

    private static bool Runs(ProtectedVmState state) =>
        state.Replication is { Active: true, Resync.Stage: ResyncStage.Running };

    // Extents that the source sends by itself are not a comparison of everything: an ordered one stays outstanding.
    private static bool MayBeginByItself(ProtectedVmState state) => state.Replication.Resync is not { } mark
        || (mark.Stage != ResyncStage.Running && mark.Reasons.All(SourceDuty.SourceKnowsExtents));

    private static ProtectedVmState Mark(ProtectedVmState state, ResyncMarked e) => Points.WithoutPending(
        state.Replicate(e, replication => replication with
        {
            Resync = replication.Resync is { } mark
                ? mark with { Reasons = Union(mark.Reasons, e.Reasons), StartsAt = e.StartsAt }
                : new ResyncMark(e.Reasons, e.At, ResyncStage.Required, e.StartsAt, 0),
        }),
        e.At, "A resync is required first.");

    private static ProtectedVmState Start(ProtectedVmState state, ResyncStarted e)
    {
        var ordered = state.Replication.Resync is { Stage: ResyncStage.Ordered } known ? known.Since : 0;
        var confirmed = ordered > 0 && !e.Ordered;
        var next = state.Replicate(e, replication => replication with
        {
            Resync = new ResyncMark(
                replication.Resync is { } mark ? Union(mark.Reasons, e.Reasons) : e.Reasons,
                replication.Resync?.MarkedAt ?? e.At,
                e.Ordered ? ResyncStage.Ordered : ResyncStage.Running,
                null,
                e.Ordered ? state.EventCount : ordered),
        });
        next = Points.WithoutPending(next, e.At, "A resync began.");
        return next with
        {
            Retries = state.Retries.RemoveAll(retry => retry.Kind == EffectKind.StartResync),
            Jobs = confirmed ? next.Jobs : next.Jobs
                .End(JobKind.Resync, JobOutcome.Cancelled, e.At, "Another resync replaced it.")
                .Start(state.EventCount, JobKind.Resync, e.By, "Compare and send differences", e.At),
        };
    }

    private static ValueList<ResyncReason> Union(ValueList<ResyncReason> known, ValueList<ResyncReason> more) =>
        known.Union(more).ToValueList();
}

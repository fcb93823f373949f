using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmDecider
{
    private static ValueList<ProtectedVmEvent> OnStartResync(ProtectedVmState state, DecisionContext context)
    {
        ValueList<ResyncReason> reasons = state.Replication.Resync?.Reasons ?? [ResyncReason.UserRequest];
        return [new ResyncStarted(context.Now, context.Actor, reasons, true)];
    }

    private static ValueList<ProtectedVmEvent> Marked(
        ProtectedVmState state, ResyncReason reason, DecisionContext context)
    {
        if (!Resyncs(state))
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
            ? [marked, new ResyncStarted(context.Now, ProtectedVm.EngineActor, [reason], true)]
            : [marked];
    }

    // What the source sends by itself is no comparison of everything: an ordered one stays owed.
    private static bool MayBeginByItself(ProtectedVmState state) => state.Replication.Resync is not { } mark
        || (mark.Stage != ResyncStage.Running && mark.Reasons.All(SourceDuty.SourceKnowsExtents));

    // Initial replication sends everything anyway; the other phases have no replication.
    private static bool Resyncs(ProtectedVmState state) =>
        state.Phase is Phase.Finalizing or Phase.Protected or Phase.ProtectedReverse;

    // When the rule for the start may have changed: another policy, or a pause that ended.
    private static ValueList<ProtectedVmEvent> Rescheduled(ProtectedVmState state, DecisionContext context)
    {
        var marked = state.Replication is { Active: true, Resync.Stage: ResyncStage.Required };
        var resuming = state.Replication is { Resync.StartsAt: null };
        if (!marked || (state.Replication.Paused && !resuming))
        {
            return [];
        }

        return [new ResyncMarked(context.Now, [], state.Enrollment.Policy.ResyncStart(context.Now))];
    }

    private static ValueList<ProtectedVmEvent> ResyncDue(ProtectedVmState state, DateTimeOffset now)
    {
        var startsAt = state.Enrollment.Policy.ResyncStart(now);
        var reckoned = state.Replication.Resync?.StartsAt;

        // The window is a time of day: a clock that was set back lets the timer come before it.
        return startsAt > now && startsAt == reckoned ? []
            : startsAt <= now
            ? [new ResyncStarted(now, ProtectedVm.EngineActor, state.Replication.Resync?.Reasons ?? [], true)]
            : [new ResyncMarked(now, [], startsAt)];
    }
}

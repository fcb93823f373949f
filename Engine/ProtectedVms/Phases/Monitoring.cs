using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands that report a problem found or resolved.</summary>
public abstract record MonitoringCommand : ProtectedVmCommand
{
    private protected MonitoringCommand()
    {
    }
}

/// <summary>The events of health causes that are observed from outside.</summary>
public abstract record MonitoringEvent : ProtectedVmEvent
{
    private protected MonitoringEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of problems observed from outside, in every phase (OPS-2). They change health, never the phase.
/// </summary>
internal static class Monitoring
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, MonitoringCommand command, DecisionContext context) =>
        AcceptAll(Found(state, command, context));

    /// <summary>Returns the events when the timer for a newer recovery point expires.</summary>
    public static ValueList<ProtectedVmEvent> NoPointDue(ProtectedVmState state, DecisionContext context) => Raised(
        state, context, HealthKind.NoRecentPoint, HealthLevel.Critical,
        $"There is no usable recovery point from the last "
            + $"{ProtectedVmTimers.NoPointAfter(state.Enrollment.Policy).TotalMinutes:0} minutes.",
        "See the other causes for why none is made; a failover recovers to the last usable point.");

    /// <summary>Whether the state has a health cause of a kind.</summary>
    public static bool Has(ProtectedVmState state, HealthKind kind) => state.Causes.Any(cause => cause.Kind == kind);

    public static ProtectedVmState Evolve(ProtectedVmState state, MonitoringEvent @event) => @event switch
    {
        HealthCauseRaised e => state.Raise(e.Cause),

        // A point that was delayed because the agent was away is due now.
        HealthCauseCleared { Kind: HealthKind.AgentDisconnected } e => Points.DueAt(e.At, state.Without(e.Kind)),
        HealthCauseCleared e => state.Without(e.Kind),
        _ => throw state.Impossible(@event),
    };

    private static ValueList<ProtectedVmEvent> Found(
        ProtectedVmState state, MonitoringCommand command, DecisionContext context) => command switch
    {
        RecordLag c => OnLag(state, c, context),
        RecordDirtyMapModeEntered c when state.Replication.Active => Raised(
            state, context, HealthKind.CacheFull, HealthLevel.Warning,
            $"Changed extents are only marked, their data is not kept: {c.Reason}",
            "Free space for the replication log; a resync of the marked extents then starts automatically."),
        RecordDirtyMapModeLeft => Cleared(state, context, HealthKind.CacheFull),
        RecordAgentConnected =>
            [.. Cleared(state, context, HealthKind.AgentDisconnected), .. Effects.AgentIsBack(state, context)],
        RecordAgentDisconnected c when state.Phase is not (Phase.NotProtected or Phase.Disabled) =>
            Raised(state, context, ProtectedVmHealth.AgentAway(state, c.Reason)),
        RecordHealthCause c when ObservedHealth.Kinds.Contains(c.Cause.Kind) && Protection.IsWanted(state.Phase) =>
            Raised(state, context, c.Cause),
        RecordHealthRestored c when ObservedHealth.Kinds.Contains(c.Kind) => Cleared(state, context, c.Kind),
        RecordTargetStoreCorrupt c when state.Phase is not (
            Phase.NotProtected or Phase.Disabling or Phase.Disabled) => Raised(
            state, context, HealthKind.TargetStoreCorrupt, HealthLevel.Critical, c.Message, c.Remedy),
        RecordTargetStoreRepaired => Cleared(state, context, HealthKind.TargetStoreCorrupt),
        _ => [],
    };

    private static ValueList<ProtectedVmEvent> OnLag(ProtectedVmState state, RecordLag command, DecisionContext context)
    {
        var threshold = state.Enrollment.Policy.RpoThreshold;
        return command.Lag <= threshold ? Cleared(state, context, HealthKind.RpoExceeded)
            : state.Phase is Phase.Protected or Phase.ProtectedReverse && !Has(state, HealthKind.RpoExceeded) ? Raised(
                state, context, HealthKind.RpoExceeded, HealthLevel.Warning,
                $"{command.Lag.TotalMinutes:0} minutes ({command.Bytes} bytes) of changes are not at the target; "
                    + $"the threshold is {threshold.TotalMinutes:0} minutes.",
                "Check whether the link or the target is slower than the machine writes.")
            : [];
    }

    private static ValueList<ProtectedVmEvent> Raised(
        ProtectedVmState state, DecisionContext context, HealthKind kind, HealthLevel level, string message,
        string remedy) =>
        Raised(state, context, new HealthCause(kind, "", level, message, remedy, default));

    // A cause that only changed its wording or severity keeps the time when it was first reported.
    private static ValueList<ProtectedVmEvent> Raised(
        ProtectedVmState state, DecisionContext context, HealthCause cause)
    {
        var known = state.Causes.FirstOrDefault(one => one.Kind == cause.Kind);
        var raised = cause with { Since = known?.Since ?? context.Now };
        return known == raised ? [] : [new HealthCauseRaised(context.Now, raised)];
    }

    private static ValueList<ProtectedVmEvent> Cleared(
        ProtectedVmState state, DecisionContext context, HealthKind kind) =>
        Has(state, kind) ? [new HealthCauseCleared(context.Now, kind)] : [];
}

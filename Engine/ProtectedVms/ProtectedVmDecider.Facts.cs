using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.Policies;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmDecider
{
    private static Decision<ProtectedVmEvent> DecideFact(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context)
    {
        if (command is RecordDiskResized resized)
        {
            return OnDiskResized(state, resized, context);
        }

        ValueList<ProtectedVmEvent> events = command switch
        {
            RecordInSync c => OnInSync(state, c, context),
            RecordRecoveryPointSealed c => Sealed(state, c.Point, context),
            RecordRecoveryPointSkipped c when state.PointSchedule.Pending?.Id == c.Point =>
                [new RecoveryPointSkipped(context.Now, c.Point, c.Reason)],
            RecordRecoveryPointUnusable c when state.Points.Any(kept => kept.Id == c.Point && kept.Usable) =>
                [new RecoveryPointMarkedUnusable(context.Now, c.Point, c.Reason)],
            RecordRecoveryPointsGraded c => Graded(state, c, context),
            RecordResyncNeeded c => Marked(state, c.Reason, context),
            RecordResyncStarted c when Resyncs(state) && MayBeginByItself(state) =>
                [new ResyncStarted(context.Now, ProtectedVm.EngineActor, [c.Reason], false)],
            RecordResyncCompleted c when state.Replication is { Active: true, Resync.Stage: ResyncStage.Running } =>
                [new ResyncCompleted(context.Now, c.SentBytes)],
            RecordResyncFailed c when state.Replication is { Active: true, Resync.Stage: ResyncStage.Running } =>
                [Failed(state, EffectKind.StartResync, c.Error, context)],
            RecordReplicationError c => OnReplicationError(state, c.Error, context),
            RecordReplicationRecovered when state.Replication is { Active: true, Fault: not null } =>
                [new ReplicationRecovered(context.Now)],
            RecordSourceFenced c => OnSourceFenced(state, c, context),
            _ => HealthFact(state, command, context),
        };
        return Decision<ProtectedVmEvent>.Accept(events.Items.AsSpan());
    }

    private static ValueList<ProtectedVmEvent> HealthFact(
        ProtectedVmState state, ProtectedVmCommand command, DecisionContext context) => command switch
    {
        RecordLag c => OnLag(state, c, context),
        RecordDirtyMapModeEntered c when state.Replication.Active => Raised(
            state, context, HealthKind.CacheFull, HealthLevel.Warning,
            $"Changes are only marked, not kept: {c.Reason}",
            "Make room for the replication log or the cache; a resync of the marked extents follows by itself."),
        RecordDirtyMapModeLeft => Cleared(state, context, HealthKind.CacheFull),
        RecordAgentConnected => OnAgentConnected(state, context),
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

    private static ValueList<ProtectedVmEvent> OnInSync(
        ProtectedVmState state, RecordInSync command, DecisionContext context) =>
            (state.Phase, command.Direction) switch
    {
        (Phase.InitialReplication, Direction.ToRecovery) =>
            [new InitialReplicationCompleted(context.Now, command.SentBytes)],
        (Phase.Reprotecting { Started: true } phase, _) when phase.Direction == command.Direction =>
            [new ReprotectCompleted(context.Now, command.Direction, command.SentBytes)],
        _ => [],
    };

    private static ValueList<ProtectedVmEvent> OnReplicationError(
        ProtectedVmState state, EffectError error, DecisionContext context)
    {
        var recoverable = error.Class == ErrorClass.Recoverable;
        var known = state.Replication.Fault is { } fault
            && (fault.RetryAt is not null ? recoverable : fault.Error == error && !recoverable);
        return state.Replication.Active && !known ? [Faulted(state, error, context)] : [];
    }

    private static ReplicationFaulted Faulted(ProtectedVmState state, EffectError error, DecisionContext context)
    {
        var failures = (state.Replication.Fault?.Failures ?? 0) + 1;
        return new ReplicationFaulted(context.Now, error, failures, RetryAt(error, failures, context));
    }

    private static DateTimeOffset? RetryAt(EffectError error, int failures, DecisionContext context) =>
        error.Class == ErrorClass.Recoverable ? context.Now + RetrySchedule.DelayAfter(failures) : null;

    private static ValueList<ProtectedVmEvent> OnLag(ProtectedVmState state, RecordLag command, DecisionContext context)
    {
        var threshold = state.Enrollment.Policy.RpoThreshold;
        return command.Lag <= threshold ? Cleared(state, context, HealthKind.RpoExceeded)
            : state.Phase is Phase.Protected or Phase.ProtectedReverse && !Has(state, HealthKind.RpoExceeded) ? Raised(
                state, context, HealthKind.RpoExceeded, HealthLevel.Warning,
                $"{command.Lag.TotalMinutes:0} minutes ({command.Bytes} bytes) of changes are not at the target; "
                    + $"the threshold is {threshold.TotalMinutes:0} minutes.",
                "See whether the link or the target is slower than the machine writes.")
            : [];
    }

    private static ValueList<ProtectedVmEvent> OnSourceFenced(
        ProtectedVmState state, RecordSourceFenced command, DecisionContext context)
    {
        var expected = state.Phase is Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint
            or Phase.Committing
            or Phase.FailedOver;
        var fenced = new SourceFenced(context.Now, command.DivergentBytes);
        var news = state.FenceSince is not null
            || !state.Causes.Any(cause => cause == ProtectedVmEvolution.FencedCause(fenced)
                with { Since = cause.Since });
        return expected && news ? [fenced] : [];
    }

    private static Decision<ProtectedVmEvent> OnDiskResized(
        ProtectedVmState state, RecordDiskResized command, DecisionContext context)
    {
        var disk = state.Enrollment.Disks.FirstOrDefault(
            known => string.Equals(known.Path, command.Path, StringComparison.Ordinal));
        return disk is null ? Refuse(new ProtectedVmRefusal.UnknownDisk(command.Path))
            : disk.SizeBytes == command.SizeBytes ? Accept()
            : Accept([
                new DiskResized(context.Now, disk with { SizeBytes = command.SizeBytes }),
                .. Marked(state, ResyncReason.DiskResized, context)]);
    }

    private static ValueList<ProtectedVmEvent> OnAgentConnected(ProtectedVmState state, DecisionContext context) =>
    [
        .. Cleared(state, context, HealthKind.AgentDisconnected),
        .. Retried(
            state, context, retry => retry.DueAt is not null && NeedsAgent(retry.Kind),
            replication: state.Replication.Fault?.RetryAt is not null),
    ];

    // What waits for its schedule need not wait longer once the agent is back.
    private static bool NeedsAgent(EffectKind kind) => kind is EffectKind.CheckPrerequisites or EffectKind.AttachSource
        or EffectKind.StartInitialReplication or EffectKind.PauseReplication or EffectKind.ResumeReplication
        or EffectKind.StartResync or EffectKind.QuiesceSource or EffectKind.FenceSource or EffectKind.PromoteSource
        or EffectKind.StartReverseReplication or EffectKind.StartForwardReplication;

    private static bool Has(ProtectedVmState state, HealthKind kind) => state.Causes.Any(cause => cause.Kind == kind);

    private static ValueList<ProtectedVmEvent> Raised(
        ProtectedVmState state, DecisionContext context, HealthKind kind, HealthLevel level, string message,
        string remedy) =>
        Raised(state, context, new HealthCause(kind, "", level, message, remedy, default));

    // One that is only told in other words, or has got worse, began when it was told first.
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

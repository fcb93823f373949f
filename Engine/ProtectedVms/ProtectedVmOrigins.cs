using System.Collections.Immutable;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// The decider, backwards: which commands could have led to events. A command's parameters are taken from the events;
/// what a decision does not depend on is made up. Deciding each candidate again, with the recorded time, command id and
/// actor, tells whether the events are ones that a command can lead to (I17). A new decider case needs its line here;
/// a law over random lives shows what is missing.
/// </summary>
public static class ProtectedVmOrigins
{
    private static readonly ProtectedVmCommand[] WithoutParameters =
    [
        new Pause(), new Resume(), new StartResync(), new MakeRecoveryPoint(PointKind.Crash),
        new MakeRecoveryPoint(PointKind.Application), new StartPlannedFailover(), new Commit(), new Reprotect(),
        new Reprotect(Discard: true), new Failback(), new RetryJob(), new RecordReplicationRecovered(),
        new RecordAgentConnected(),
        new RecordDirtyMapModeLeft(), new RecordTargetStoreRepaired(), new RecordLag(TimeSpan.Zero, 0),
    ];

    // In a cause's words only, and so that they are never those of a cause that is there already.
    private const long MadeUp = -1;
    private const string MadeUpReason = "a reason that the words of the event tell";

    /// <summary>
    /// The event without the words it has for people, which may change from one release to the next and hold facts that
    /// no decision depends on: two events are of one decision when they are equal without them.
    /// </summary>
    public static ProtectedVmEvent WithoutWords(ProtectedVmEvent @event) => @event is HealthCauseRaised raised
        ? raised with { Cause = raised.Cause with { Message = "", Remedy = "" } }
        : @event;

    /// <summary>What an event keeps of the context in which it was decided, added to that context.</summary>
    public static DecisionContext ContextOf(DecisionContext context, ProtectedVmEvent @event)
    {
        ArgumentNullException.ThrowIfNull(context);
        return @event switch
        {
            CommandAccepted e => context with { Digest = e.Digest },
            RecoveryPointSealed { Steady: { } steady } when context.Steady is null => context with { Steady = steady },
            _ => context,
        };
    }

    /// <summary>The candidates, likelier ones first; finitely many, not necessarily distinct.</summary>
    /// <param name="state">The state before the events.</param>
    /// <param name="events">All events of one command, in order.</param>
    public static IEnumerable<ProtectedVmCommand> Of(ProtectedVmState state, ImmutableArray<ProtectedVmEvent> events) =>
    [
        .. events.SelectMany(@event => FromEvent(state, @event)),
        .. ProtectedVm.Timers(state).Select(timer => ProtectedVm.TimerDue(timer.Name, timer.DueAt)),
        .. ProtectedVm.Outstanding(state).SelectMany(effect => Answers(state, effect.Id, events)),
        .. WithoutParameters,
    ];

    private static IEnumerable<ProtectedVmCommand> FromEvent(ProtectedVmState state, ProtectedVmEvent @event) =>
        @event switch
        {
            ProtectionRecovered e => [new Recover(e.Enrollment, e.Term, e.As, e.Point, e.Points)],
            CommandAccepted => [],
            EnableStarted { Enrollment: var e } => [new Enable(e.Vm, e.Disks, e.ScenarioId, e.Policy, e.Agent)],
            InitialReplicationCompleted e => [new RecordInSync(Direction.ToRecovery, e.SentBytes)],
            DisableStarted e => [new Disable(e.KeepReplica)],
            PolicyChanged e => [new UpdatePolicy(e.Policy)],
            EffectFailed e => [new RecordResyncFailed(e.Error)],
            RecoveryPointSealed e => [new RecordRecoveryPointSealed(e.Point)],
            RecoveryPointSkipped e => [new RecordRecoveryPointSkipped(e.Point, e.Reason)],
            RecoveryPointMarkedUnusable e => [new RecordRecoveryPointUnusable(e.Point, e.Reason)],
            RecoveryPointsGraded e => [new RecordRecoveryPointsGraded(e.Grade, e.Points)],
            ResyncMarked e => e.Reasons.Select(reason => new RecordResyncNeeded(reason)),
            ResyncStarted e => e.Reasons.Select(reason => new RecordResyncStarted(reason)),
            ResyncCompleted e => [new RecordResyncCompleted(e.SentBytes)],
            ReplicationFaulted e => [new RecordReplicationError(e.Error)],
            DiskResized e => [new RecordDiskResized(e.Disk.Path, e.Disk.SizeBytes)],
            HealthCauseRaised e => FromCause(state, e.Cause),
            HealthCauseCleared e => [new RecordHealthRestored(e.Kind)],
            _ => FromFailoverEvent(@event),
        };

    private static IEnumerable<ProtectedVmCommand> FromFailoverEvent(ProtectedVmEvent @event) => @event switch
    {
        TestFailoverStarted e => [new StartTestFailover(Choice(e.Point))],
        TestFailoverCleanUpStarted e => [new CleanUpTestFailover(e.Notes)],
        FailoverStarted { Kind: FailoverKind.Planned } e => [new StartPlannedFailover { Force = e.Forced }],
        FailoverStarted e => [new StartUnplannedFailover(Choice(e.Point), e.TryShutdown)],
        RecoveryPointChangeStarted e =>
        [
            new ChangeRecoveryPoint(new PointChoice.Specific(e.Point)),
            new ChangeRecoveryPoint(new PointChoice.Latest()),
        ],
        CancelStarted e => [new CancelFailover(e.DiscardedBytes, true)],
        ReprotectCompleted e => [new RecordInSync(e.Direction, e.SentBytes)],
        SourceFenced e => [new RecordSourceFenced(e.DivergentBytes)],
        _ => [],
    };

    private static PointChoice Choice(ChosenPoint point) =>
        point.SealNow ? new PointChoice.Latest() : new PointChoice.Specific(point.Id);

    private static IEnumerable<ProtectedVmCommand> FromCause(ProtectedVmState state, HealthCause cause) =>
        cause.Kind switch
        {
            HealthKind.RpoExceeded =>
                [new RecordLag(state.Enrollment.Policy.RpoThreshold + TimeSpan.FromMinutes(1), MadeUp)],
            HealthKind.CacheFull => [new RecordDirtyMapModeEntered(MadeUpReason)],
            HealthKind.AgentDisconnected => [new RecordAgentDisconnected(MadeUpReason)],
            HealthKind.TargetStoreCorrupt => [new RecordTargetStoreCorrupt(cause.Message, cause.Remedy)],
            _ => [new RecordHealthCause(cause)],
        };

    private static IEnumerable<ProtectedVmCommand> Answers(
        ProtectedVmState state, EffectId effect, ImmutableArray<ProtectedVmEvent> events) =>
    [
        new RecordEffectSucceeded(effect, new EffectResult.Done()),
        .. events.SelectMany(@event => Results(state, @event, events))
            .Select(result => new RecordEffectSucceeded(effect, result)),
        .. events.Select(ErrorOf).OfType<EffectError>().Select(error => new RecordEffectFailed(effect, error)),
    ];

    private static IEnumerable<EffectResult> Results(
        ProtectedVmState state, ProtectedVmEvent @event, ImmutableArray<ProtectedVmEvent> events) => @event switch
    {
        PrerequisitesChecked e => [new EffectResult.PrerequisitesMet(e.Disks)],
        WritesQuiesced e => [new EffectResult.Quiesced(e.LastLsn, true)],
        FailoverFailed => [new EffectResult.Quiesced(Lsn.None, false)],
        FailoverReady { Recovery: var r } =>
            [new EffectResult.FailoverReady(PointOf(state, r.Point, events), r.RpoBound, r.Exports)],
        RecoveryPointChanged { Recovery: var r } =>
            [new EffectResult.FailoverReady(PointOf(state, r.Point, events), r.RpoBound, r.Exports)],
        TestFailoverReady e => [new EffectResult.TestFailoverReady(PointOf(state, e.Point, events), e.Exports)],
        _ => [],
    };

    private static EffectError? ErrorOf(ProtectedVmEvent @event) => @event switch
    {
        EffectFailed e => e.Error,
        EnableFailed e => e.Error,
        FailoverFailed e => e.Error,
        RecoveryPointChangeFailed e => e.Error,
        TestFailoverCleanUpStarted e => e.Error,
        ReplicationFaulted e => e.Error,
        WritesQuiesced e => e.Error,
        RecoveryPointSkipped e => EffectError.Of(ErrorClass.Recoverable, e.Reason, ""),
        _ => null,
    };

    // Newly sealed, or kept; for one that is neither, only the id counts.
    private static RecoveryPoint PointOf(
        ProtectedVmState state, RecoveryPointId id, ImmutableArray<ProtectedVmEvent> events) =>
        events.OfType<RecoveryPointSealed>().FirstOrDefault(made => made.Point.Id == id)?.Point
        ?? state.Points.FirstOrDefault(kept => kept.Id == id)?.Point
        ?? new RecoveryPoint(id, default, PointKind.Crash, new Generation(0), Lsn.None, PointGrade.Received);
}

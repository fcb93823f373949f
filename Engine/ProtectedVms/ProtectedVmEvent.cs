using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms.Phases;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// An event of a protected VM: a closed hierarchy, in the order of a VM's life. An event's base names the phase whose
/// rules decide and apply it.
/// </summary>
public abstract record ProtectedVmEvent
{
    private protected ProtectedVmEvent(DateTimeOffset at) => At = at;

    /// <summary>When the event was decided (UTC).</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>
    /// A user's request was accepted under an id. The resulting events follow in the same command. The id is kept so
    /// that a repeated request is recognised, and a different request with the same id is refused (I19).
    /// </summary>
    public sealed record CommandAccepted(DateTimeOffset At, string By, CommandId Command, string Digest)
        : ProtectedVmEvent(At);

    /// <summary>Enabling started.</summary>
    public sealed record EnableStarted(DateTimeOffset At, string By, Enrollment Enrollment) : EnablingEvent(At);

    /// <summary>All prerequisites are met. Contains the disks with their actual sizes.</summary>
    public sealed record PrerequisitesChecked(DateTimeOffset At, ValueList<ProtectedDisk> Disks) : EnablingEvent(At);

    /// <summary>The agent captures the disks' writes.</summary>
    public sealed record SourceAttached(DateTimeOffset At) : EnablingEvent(At);

    /// <summary>The replica and the replication relationship were created.</summary>
    public sealed record TargetPrepared(DateTimeOffset At) : EnablingEvent(At);

    /// <summary>Enabling was abandoned for these reasons. Resources already created are being removed.</summary>
    public sealed record EnableFailed(DateTimeOffset At, EffectError Error, bool CleanUpOwed) : EnablingEvent(At);

    /// <summary>Initial replication started.</summary>
    public sealed record InitialReplicationStarted(DateTimeOffset At) : EnablingEvent(At);

    /// <summary>Initial replication has copied all data to the target.</summary>
    public sealed record InitialReplicationCompleted(DateTimeOffset At, long SentBytes) : EnablingEvent(At);

    /// <summary>The settings that follow initial replication are applied: the VM is protected (ENA-14).</summary>
    public sealed record ProtectionFinalized(DateTimeOffset At) : EnablingEvent(At);

    /// <summary>
    /// The history begins again from the replica, because the journal with the old history is lost. Always the first
    /// event.
    /// </summary>
    public sealed record ProtectionRecovered(
        DateTimeOffset At, string By, Enrollment Enrollment, Term Term, RecoveredAs As, RecoveryPointId? Point,
        ValueList<RecoveryPoint> Points) : ProtectedVmEvent(At);

    /// <summary>The policy was replaced.</summary>
    public sealed record PolicyChanged(DateTimeOffset At, string By, ReplicationPolicy Policy) : ReplicatingEvent(At);

    /// <summary>A user paused replication.</summary>
    public sealed record ReplicationPaused(DateTimeOffset At, string By) : ReplicatingEvent(At);

    /// <summary>A user resumed replication.</summary>
    public sealed record ReplicationResumed(DateTimeOffset At, string By) : ReplicatingEvent(At);

    /// <summary>
    /// Replication stopped with an error. It is retried at <paramref name="RetryAt"/>; when that is null, an operator
    /// must intervene.
    /// </summary>
    public sealed record ReplicationFaulted(DateTimeOffset At, EffectError Error, int Failures, DateTimeOffset? RetryAt)
        : ReplicatingEvent(At);

    /// <summary>Replication is being retried after an error.</summary>
    public sealed record ReplicationRetried(DateTimeOffset At, string By) : ReplicatingEvent(At);

    /// <summary>Replication works again.</summary>
    public sealed record ReplicationRecovered(DateTimeOffset At) : ReplicatingEvent(At);

    /// <summary>The size of a disk changed.</summary>
    public sealed record DiskResized(DateTimeOffset At, ProtectedDisk Disk) : ReplicatingEvent(At);

    /// <summary>
    /// A resync is required. It starts automatically at <paramref name="StartsAt"/>; null while replication is paused.
    /// </summary>
    public sealed record ResyncMarked(DateTimeOffset At, ValueList<ResyncReason> Reasons, DateTimeOffset? StartsAt)
        : ResynchronizingEvent(At);

    /// <summary>A resync was ordered, or (<paramref name="Ordered"/> false) the data plane began it itself.</summary>
    public sealed record ResyncStarted(DateTimeOffset At, string By, ValueList<ResyncReason> Reasons, bool Ordered)
        : ResynchronizingEvent(At);

    /// <summary>The replica equals the source again.</summary>
    public sealed record ResyncCompleted(DateTimeOffset At, long SentBytes) : ResynchronizingEvent(At);

    /// <summary>A recovery point was requested.</summary>
    public sealed record RecoveryPointRequested(DateTimeOffset At, string By, RecoveryPointId Point, PointKind Kind)
        : PointEvent(At);

    /// <summary>
    /// A recovery point was sealed. <paramref name="Warning"/> is set when the point is less consistent than requested
    /// (RCP-3).
    /// </summary>
    public sealed record RecoveryPointSealed(DateTimeOffset At, RecoveryPoint Point, string? Warning)
        : PointEvent(At)
    {
        /// <summary>
        /// When the point was sealed, by the host's steady clock, which retention uses (I25). Null in events from
        /// before it was recorded; their points age by their own times.
        /// </summary>
        public SteadyInstant? Steady { get; init; }
    }

    /// <summary>A requested point was not made.</summary>
    public sealed record RecoveryPointSkipped(DateTimeOffset At, RecoveryPointId Point, string Reason)
        : PointEvent(At);

    /// <summary>A recovery point became unusable.</summary>
    public sealed record RecoveryPointMarkedUnusable(DateTimeOffset At, RecoveryPointId Point, string Reason)
        : PointEvent(At);

    /// <summary>The content of points was verified further, and each rose to the grade (RCP-6).</summary>
    public sealed record RecoveryPointsGraded(
        DateTimeOffset At, PointGrade Grade, ValueList<RecoveryPointId> Points) : PointEvent(At);

    /// <summary>A user holds a recovery point, which is never deleted until it is released.</summary>
    public sealed record RecoveryPointHeld(DateTimeOffset At, string By, RecoveryPointId Point) : PointEvent(At);

    /// <summary>A user released a held recovery point.</summary>
    public sealed record RecoveryPointReleased(DateTimeOffset At, string By, RecoveryPointId Point) : PointEvent(At);

    /// <summary>Points expired by retention and can no longer be chosen.</summary>
    public sealed record RecoveryPointsExpired(DateTimeOffset At, ValueList<RecoveryPointId> Points)
        : PointEvent(At);

    /// <summary>A test failover started.</summary>
    public sealed record TestFailoverStarted(DateTimeOffset At, string By, ChosenPoint Point) : TestingEvent(At);

    /// <summary>The test copy accepts writes.</summary>
    public sealed record TestFailoverReady(DateTimeOffset At, RecoveryPointId Point, int Exports)
        : TestingEvent(At);

    /// <summary>The test copy is being removed: a user requested it, or the test failed with an error.</summary>
    public sealed record TestFailoverCleanUpStarted(DateTimeOffset At, string By, string Notes, EffectError? Error)
        : TestingEvent(At);

    /// <summary>The test failover was removed completely.</summary>
    public sealed record TestFailoverCleanedUp(DateTimeOffset At) : TestingEvent(At);

    /// <summary>A failover started under a new term.</summary>
    public sealed record FailoverStarted(
        DateTimeOffset At, string By, FailoverKind Kind, ChosenPoint Point, bool TryShutdown, Term Term)
        : FailingOverEvent(At)
    {
        /// <summary>
        /// Whether a planned failover ignores clients that write to the source's disks, as the user requested.
        /// </summary>
        public bool Forced { get; init; }
    }

    /// <summary>
    /// The side that ran the machine accepts no more writes and has shipped everything; or, with an error in an
    /// unplanned failover, it could not be reached.
    /// </summary>
    public sealed record WritesQuiesced(DateTimeOffset At, Lsn LastLsn, EffectError? Error) : FailingOverEvent(At);

    /// <summary>The target accepts writes: commit pending.</summary>
    public sealed record FailoverReady(DateTimeOffset At, Recovery Recovery) : FailingOverEvent(At);

    /// <summary>A change to another recovery point started.</summary>
    public sealed record RecoveryPointChangeStarted(DateTimeOffset At, string By, RecoveryPointId Point)
        : FailingOverEvent(At)
    {
        /// <summary>Bytes of the recovered machine that the change loses, with the user's consent.</summary>
        public long DiscardedBytes { get; init; }
    }

    /// <summary>The target now runs on another recovery point.</summary>
    public sealed record RecoveryPointChanged(DateTimeOffset At, Recovery Recovery) : FailingOverEvent(At);

    /// <summary>The recovery point could not be changed. The target still runs on the previous one.</summary>
    public sealed record RecoveryPointChangeFailed(DateTimeOffset At, EffectError Error) : FailingOverEvent(At);

    /// <summary>The old source reconnected and is fenced. Its divergent writes are preserved (I16).</summary>
    public sealed record SourceFenced(DateTimeOffset At, long DivergentBytes) : FailingOverEvent(At);

    /// <summary>A commit of a failover or failback started.</summary>
    public sealed record CommitStarted(DateTimeOffset At, string By) : SettlingEvent(At);

    /// <summary>The failover is final; other points are deleted (FOV-4).</summary>
    public sealed record FailoverCommitted(DateTimeOffset At) : SettlingEvent(At);

    /// <summary>The failback is final.</summary>
    public sealed record FailbackCommitted(DateTimeOffset At) : SettlingEvent(At);

    /// <summary>A failover or failback is being undone under a new term.</summary>
    public sealed record CancelStarted(DateTimeOffset At, string By, long DiscardedBytes, Term Term)
        : SettlingEvent(At);

    /// <summary>
    /// A failover or failback was abandoned because of an error and is being undone under a new term.
    /// </summary>
    public sealed record FailoverFailed(DateTimeOffset At, EffectError Error, Term Term) : SettlingEvent(At);

    /// <summary>The failover or failback is undone.</summary>
    public sealed record FailoverCancelled(DateTimeOffset At) : SettlingEvent(At);

    /// <summary>Replication in the other direction was ordered.</summary>
    public sealed record ReprotectStarted(DateTimeOffset At, string By, Direction Direction) : ReturningEvent(At)
    {
        /// <summary>
        /// Bytes that only the old source holds and that are overwritten, as the user accepted (I16).
        /// </summary>
        public long DiscardedBytes { get; init; }

        /// <summary>
        /// Whether the user accepted an unknown loss: the old source had not reconnected, or points newer than the
        /// chosen one were given up, so the number of bytes it alone holds is unknown.
        /// </summary>
        public bool DiscardedUnknown { get; init; }
    }

    /// <summary>The two sides are equal again and replication continues.</summary>
    public sealed record ReprotectCompleted(DateTimeOffset At, Direction Direction, long SentBytes)
        : ReturningEvent(At);

    /// <summary>A failback started under a new term.</summary>
    public sealed record FailbackStarted(DateTimeOffset At, string By, Term Term) : ReturningEvent(At);

    /// <summary>The source accepts writes, and the failback waits for its commit.</summary>
    public sealed record FailbackReady(DateTimeOffset At) : ReturningEvent(At);

    /// <summary>Disabling started.</summary>
    public sealed record DisableStarted(DateTimeOffset At, string By, bool KeepReplica) : DisablingEvent(At);

    /// <summary>Protection has ended.</summary>
    public sealed record ProtectionDisabled(DateTimeOffset At) : DisablingEvent(At);

    /// <summary>A new health cause was found, or a known one changed.</summary>
    public sealed record HealthCauseRaised(DateTimeOffset At, HealthCause Cause) : MonitoringEvent(At);

    /// <summary>A health cause was resolved.</summary>
    public sealed record HealthCauseCleared(DateTimeOffset At, HealthKind Kind) : MonitoringEvent(At);

    /// <summary>An effect without a success event of its own succeeded.</summary>
    public sealed record EffectConfirmed(DateTimeOffset At, EffectKind Kind) : EffectEvent(At);

    /// <summary>
    /// An effect failed. It is retried at <paramref name="RetryAt"/>; when that is null, an operator must intervene.
    /// </summary>
    public sealed record EffectFailed(
        DateTimeOffset At, EffectKind Kind, EffectError Error, int Failures, DateTimeOffset? RetryAt)
        : EffectEvent(At);

    /// <summary>A failed effect is being retried.</summary>
    public sealed record EffectRetried(DateTimeOffset At, string By, EffectKind Kind) : EffectEvent(At);
}

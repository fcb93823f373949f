using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms.Phases;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// What happened to a protected VM: a closed hierarchy, in the order of a VM's life. An event's base names the phase
/// of that life whose rules decide and fold it.
/// </summary>
public abstract record ProtectedVmEvent
{
    private protected ProtectedVmEvent(DateTimeOffset at) => At = at;

    /// <summary>When it was decided (UTC).</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>
    /// A user's request was accepted under an id; what it led to follows as events of the same command. Kept so that
    /// the id is recognised when it comes again, and refused when it comes with another request (I19).
    /// </summary>
    public sealed record CommandAccepted(DateTimeOffset At, string By, CommandId Command, string Digest)
        : ProtectedVmEvent(At);

    /// <summary>Enabling began.</summary>
    public sealed record EnableStarted(DateTimeOffset At, string By, Enrollment Enrollment) : EnablingEvent(At);

    /// <summary>All prerequisites are met; the disks with their true sizes.</summary>
    public sealed record PrerequisitesChecked(DateTimeOffset At, ValueList<ProtectedDisk> Disks) : EnablingEvent(At);

    /// <summary>The agent captures the disks' writes.</summary>
    public sealed record SourceAttached(DateTimeOffset At) : EnablingEvent(At);

    /// <summary>The replica exists; with it the replication relationship.</summary>
    public sealed record TargetPrepared(DateTimeOffset At) : EnablingEvent(At);

    /// <summary>Enabling was given up, for these reasons; what had been created is being removed.</summary>
    public sealed record EnableFailed(DateTimeOffset At, EffectError Error, bool CleanUpOwed) : EnablingEvent(At);

    /// <summary>Initial replication runs.</summary>
    public sealed record InitialReplicationStarted(DateTimeOffset At) : EnablingEvent(At);

    /// <summary>Every byte is at the target.</summary>
    public sealed record InitialReplicationCompleted(DateTimeOffset At, long SentBytes) : EnablingEvent(At);

    /// <summary>The settings that follow initial replication are applied: the VM is protected (ENA-14).</summary>
    public sealed record ProtectionFinalized(DateTimeOffset At) : EnablingEvent(At);

    /// <summary>
    /// The history begins again from the replica: the journal that held the one before is lost. Always the first event.
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
    /// Replication stopped with an error; it is tried again at <paramref name="RetryAt"/>, null: a person is needed.
    /// </summary>
    public sealed record ReplicationFaulted(DateTimeOffset At, EffectError Error, int Failures, DateTimeOffset? RetryAt)
        : ReplicatingEvent(At);

    /// <summary>Replication is tried again after an error.</summary>
    public sealed record ReplicationRetried(DateTimeOffset At, string By) : ReplicatingEvent(At);

    /// <summary>Replication works again.</summary>
    public sealed record ReplicationRecovered(DateTimeOffset At) : ReplicatingEvent(At);

    /// <summary>A disk has another size.</summary>
    public sealed record DiskResized(DateTimeOffset At, ProtectedDisk Disk) : ReplicatingEvent(At);

    /// <summary>A resync is needed; it starts by itself at <paramref name="StartsAt"/>, null while paused.</summary>
    public sealed record ResyncMarked(DateTimeOffset At, ValueList<ResyncReason> Reasons, DateTimeOffset? StartsAt)
        : ResynchronizingEvent(At);

    /// <summary>
    /// A resync was ordered, or (<paramref name="Ordered"/> false) the data plane began it by itself.
    /// </summary>
    public sealed record ResyncStarted(DateTimeOffset At, string By, ValueList<ResyncReason> Reasons, bool Ordered)
        : ResynchronizingEvent(At);

    /// <summary>The replica equals the source again.</summary>
    public sealed record ResyncCompleted(DateTimeOffset At, long SentBytes) : ResynchronizingEvent(At);

    /// <summary>A recovery point was asked for.</summary>
    public sealed record RecoveryPointRequested(DateTimeOffset At, string By, RecoveryPointId Point, PointKind Kind)
        : PointEvent(At);

    /// <summary>
    /// A recovery point exists; <paramref name="Warning"/> when it is less than was asked for (RCP-3).
    /// </summary>
    public sealed record RecoveryPointSealed(DateTimeOffset At, RecoveryPoint Point, string? Warning)
        : PointEvent(At)
    {
        /// <summary>
        /// When, by the host's steady clock, on which retention goes (I25); null in events of before that was kept,
        /// whose points age by their own times.
        /// </summary>
        public SteadyInstant? Steady { get; init; }
    }

    /// <summary>A requested point was not made.</summary>
    public sealed record RecoveryPointSkipped(DateTimeOffset At, RecoveryPointId Point, string Reason)
        : PointEvent(At);

    /// <summary>A point cannot be recovered from any more.</summary>
    public sealed record RecoveryPointMarkedUnusable(DateTimeOffset At, RecoveryPointId Point, string Reason)
        : PointEvent(At);

    /// <summary>More is known of the content of points: each of them rose to the grade (RCP-6).</summary>
    public sealed record RecoveryPointsGraded(
        DateTimeOffset At, PointGrade Grade, ValueList<RecoveryPointId> Points) : PointEvent(At);

    /// <summary>Retention let points go; they are on offer no more.</summary>
    public sealed record RecoveryPointsExpired(DateTimeOffset At, ValueList<RecoveryPointId> Points)
        : PointEvent(At);

    /// <summary>A test failover began.</summary>
    public sealed record TestFailoverStarted(DateTimeOffset At, string By, ChosenPoint Point) : TestingEvent(At);

    /// <summary>The test copy takes writes.</summary>
    public sealed record TestFailoverReady(DateTimeOffset At, RecoveryPointId Point, int Exports)
        : TestingEvent(At);

    /// <summary>The copy is being removed: a user asked, or the test failed with an error.</summary>
    public sealed record TestFailoverCleanUpStarted(DateTimeOffset At, string By, string Notes, EffectError? Error)
        : TestingEvent(At);

    /// <summary>Nothing of the test failover is left.</summary>
    public sealed record TestFailoverCleanedUp(DateTimeOffset At) : TestingEvent(At);

    /// <summary>A failover began under a new term.</summary>
    public sealed record FailoverStarted(
        DateTimeOffset At, string By, FailoverKind Kind, ChosenPoint Point, bool TryShutdown, Term Term)
        : FailingOverEvent(At)
    {
        /// <summary>Planned: clients that write to the source's disks do not keep it from going on; the user asked for
        /// that.</summary>
        public bool Forced { get; init; }
    }

    /// <summary>
    /// The side that ran the machine takes no more writes and has shipped all; or, unplanned and with an error, was
    /// not reached.
    /// </summary>
    public sealed record WritesQuiesced(DateTimeOffset At, Lsn LastLsn, EffectError? Error) : FailingOverEvent(At);

    /// <summary>The target takes writes: commit pending.</summary>
    public sealed record FailoverReady(DateTimeOffset At, Recovery Recovery) : FailingOverEvent(At);

    /// <summary>Another point is being recovered to.</summary>
    public sealed record RecoveryPointChangeStarted(DateTimeOffset At, string By, RecoveryPointId Point)
        : FailingOverEvent(At);

    /// <summary>The target stands on the other point.</summary>
    public sealed record RecoveryPointChanged(DateTimeOffset At, Recovery Recovery) : FailingOverEvent(At);

    /// <summary>The point could not be changed; the target stands where it stood.</summary>
    public sealed record RecoveryPointChangeFailed(DateTimeOffset At, EffectError Error) : FailingOverEvent(At);

    /// <summary>The old source came back and is fenced; what it wrote alone is kept aside (I16).</summary>
    public sealed record SourceFenced(DateTimeOffset At, long DivergentBytes) : FailingOverEvent(At);

    /// <summary>A commit of a failover or failback began.</summary>
    public sealed record CommitStarted(DateTimeOffset At, string By) : SettlingEvent(At);

    /// <summary>The failover is final; other points are gone (FOV-4).</summary>
    public sealed record FailoverCommitted(DateTimeOffset At) : SettlingEvent(At);

    /// <summary>The failback is final.</summary>
    public sealed record FailbackCommitted(DateTimeOffset At) : SettlingEvent(At);

    /// <summary>A failover or failback is being undone under a new term.</summary>
    public sealed record CancelStarted(DateTimeOffset At, string By, long DiscardedBytes, Term Term)
        : SettlingEvent(At);

    /// <summary>A failover or failback was given up because of an error and is being undone under a new term.</summary>
    public sealed record FailoverFailed(DateTimeOffset At, EffectError Error, Term Term) : SettlingEvent(At);

    /// <summary>The failover or failback is undone.</summary>
    public sealed record FailoverCancelled(DateTimeOffset At) : SettlingEvent(At);

    /// <summary>Replication in the other direction was ordered.</summary>
    public sealed record ReprotectStarted(DateTimeOffset At, string By, Direction Direction) : ReturningEvent(At)
    {
        /// <summary>Bytes that the old source wrote alone and that are overwritten, as the user agreed (I16).</summary>
        public long DiscardedBytes { get; init; }

        /// <summary>
        /// The user agreed to lose whatever the old source alone holds, and nobody knows how much it is: it had not
        /// been heard of, or points newer than the chosen one had been given up.
        /// </summary>
        public bool DiscardedUnknown { get; init; }
    }

    /// <summary>Both sides are equal again and replication goes on.</summary>
    public sealed record ReprotectCompleted(DateTimeOffset At, Direction Direction, long SentBytes)
        : ReturningEvent(At);

    /// <summary>A failback began under a new term.</summary>
    public sealed record FailbackStarted(DateTimeOffset At, string By, Term Term) : ReturningEvent(At);

    /// <summary>The source takes writes: the failback waits for its commit.</summary>
    public sealed record FailbackReady(DateTimeOffset At) : ReturningEvent(At);

    /// <summary>Disabling began.</summary>
    public sealed record DisableStarted(DateTimeOffset At, string By, bool KeepReplica) : DisablingEvent(At);

    /// <summary>Protection has ended.</summary>
    public sealed record ProtectionDisabled(DateTimeOffset At) : DisablingEvent(At);

    /// <summary>Something is wrong that was not before, or is wrong in another way.</summary>
    public sealed record HealthCauseRaised(DateTimeOffset At, HealthCause Cause) : MonitoringEvent(At);

    /// <summary>Something is right again.</summary>
    public sealed record HealthCauseCleared(DateTimeOffset At, HealthKind Kind) : MonitoringEvent(At);

    /// <summary>An effect was carried out whose success has no event of its own.</summary>
    public sealed record EffectConfirmed(DateTimeOffset At, EffectKind Kind) : EffectEvent(At);

    /// <summary>
    /// An effect failed; it is tried again at <paramref name="RetryAt"/>, or waits for a person when that is null.
    /// </summary>
    public sealed record EffectFailed(
        DateTimeOffset At, EffectKind Kind, EffectError Error, int Failures, DateTimeOffset? RetryAt)
        : EffectEvent(At);

    /// <summary>A failed effect is tried again.</summary>
    public sealed record EffectRetried(DateTimeOffset At, string By, EffectKind Kind) : EffectEvent(At);
}

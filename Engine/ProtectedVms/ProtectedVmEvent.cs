using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>What happened to a protected VM.</summary>
public abstract partial record ProtectedVmEvent
{
    private ProtectedVmEvent(DateTimeOffset at) => At = at;

    /// <summary>When it was decided (UTC).</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>
    /// A user's request was accepted under an id; what it led to follows as events of the same command. Kept so that
    /// the
    /// id is recognised when it comes again, and refused when it comes with another request (I19).
    /// </summary>
    public sealed record CommandAccepted(DateTimeOffset At, string By, CommandId Command, string Digest)
        : ProtectedVmEvent(At);

    /// <summary>Enabling began.</summary>
    public sealed record EnableStarted(DateTimeOffset At, string By, Enrollment Enrollment) : ProtectedVmEvent(At);

    /// <summary>
    /// The history begins anew from the replica: the journal that held the one before is lost. Always the first event.
    /// </summary>
    public sealed record ProtectionRecovered(
        DateTimeOffset At, string By, Enrollment Enrollment, Term Term, RecoveredAs As, RecoveryPointId? Point,
        ValueList<RecoveryPoint> Points) : ProtectedVmEvent(At);

    /// <summary>All prerequisites are met; the disks with their true sizes.</summary>
    public sealed record PrerequisitesChecked(DateTimeOffset At, ValueList<ProtectedDisk> Disks) : ProtectedVmEvent(At);

    /// <summary>The agent captures the disks' writes.</summary>
    public sealed record SourceAttached(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>The replica exists; with it the replication relationship.</summary>
    public sealed record TargetPrepared(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>Enabling was given up, for these reasons; what had been created is being removed.</summary>
    public sealed record EnableFailed(DateTimeOffset At, EffectError Error, bool CleanUpOwed) : ProtectedVmEvent(At);

    /// <summary>Initial replication runs.</summary>
    public sealed record InitialReplicationStarted(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>Every byte is at the target.</summary>
    public sealed record InitialReplicationCompleted(DateTimeOffset At, long SentBytes) : ProtectedVmEvent(At);

    /// <summary>The settings that follow initial replication are applied: the VM is protected (ENA-14).</summary>
    public sealed record ProtectionFinalized(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>Disabling began.</summary>
    public sealed record DisableStarted(DateTimeOffset At, string By, bool KeepReplica) : ProtectedVmEvent(At);

    /// <summary>Protection has ended.</summary>
    public sealed record ProtectionDisabled(DateTimeOffset At) : ProtectedVmEvent(At);

    /// <summary>The policy was replaced.</summary>
    public sealed record PolicyChanged(DateTimeOffset At, string By, ReplicationPolicy Policy) : ProtectedVmEvent(At);

    /// <summary>An effect was carried out whose success has no event of its own.</summary>
    public sealed record EffectConfirmed(DateTimeOffset At, EffectKind Kind) : ProtectedVmEvent(At);

    /// <summary>
    /// An effect failed; it is tried again at <paramref name="RetryAt"/>, or waits for a person when that is null.
    /// </summary>
    public sealed record EffectFailed(
        DateTimeOffset At, EffectKind Kind, EffectError Error, int Failures, DateTimeOffset? RetryAt)
        : ProtectedVmEvent(At);

    /// <summary>A failed effect is tried again.</summary>
    public sealed record EffectRetried(DateTimeOffset At, string By, EffectKind Kind) : ProtectedVmEvent(At);

    /// <summary>A recovery point was asked for.</summary>
    public sealed record RecoveryPointRequested(DateTimeOffset At, string By, RecoveryPointId Point, PointKind Kind)
        : ProtectedVmEvent(At);

    /// <summary>
    /// A recovery point exists; <paramref name="Warning"/> when it is less than was asked for (RCP-3).
    /// </summary>
    public sealed record RecoveryPointSealed(DateTimeOffset At, RecoveryPoint Point, string? Warning)
        : ProtectedVmEvent(At)
    {
        /// <summary>
        /// When, by the host's steady clock, on which retention goes (I25); null in events of before that was kept,
        /// whose points age by their own times.
        /// </summary>
        public SteadyInstant? Steady { get; init; }
    }

    /// <summary>A requested point was not made.</summary>
    public sealed record RecoveryPointSkipped(DateTimeOffset At, RecoveryPointId Point, string Reason)
        : ProtectedVmEvent(At);

    /// <summary>A point cannot be recovered from any more.</summary>
    public sealed record RecoveryPointMarkedUnusable(DateTimeOffset At, RecoveryPointId Point, string Reason)
        : ProtectedVmEvent(At);

    /// <summary>More is known of the content of points: each of them rose to the grade (RCP-6).</summary>
    public sealed record RecoveryPointsGraded(
        DateTimeOffset At, PointGrade Grade, ValueList<RecoveryPointId> Points) : ProtectedVmEvent(At);

    /// <summary>Retention let points go; they are on offer no more.</summary>
    public sealed record RecoveryPointsExpired(DateTimeOffset At, ValueList<RecoveryPointId> Points)
        : ProtectedVmEvent(At);
}

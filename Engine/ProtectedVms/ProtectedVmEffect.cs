using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The kinds of effects, as events and retries name them. Stored: never renumber.</summary>
public enum EffectKind
{
    /// <inheritdoc cref="ProtectedVmEffect.CheckPrerequisites"/>
    CheckPrerequisites = 1,

    /// <inheritdoc cref="ProtectedVmEffect.AttachSource"/>
    AttachSource = 2,

    /// <inheritdoc cref="ProtectedVmEffect.PrepareTarget"/>
    PrepareTarget = 3,

    /// <inheritdoc cref="ProtectedVmEffect.StartInitialReplication"/>
    StartInitialReplication = 4,

    /// <inheritdoc cref="ProtectedVmEffect.FinalizeProtection"/>
    FinalizeProtection = 5,

    /// <inheritdoc cref="ProtectedVmEffect.TakeRecoveryPoint"/>
    TakeRecoveryPoint = 6,

    /// <inheritdoc cref="ProtectedVmEffect.PrunePoints"/>
    PrunePoints = 7,

    /// <inheritdoc cref="ProtectedVmEffect.PauseReplication"/>
    PauseReplication = 8,

    /// <inheritdoc cref="ProtectedVmEffect.ResumeReplication"/>
    ResumeReplication = 9,

    /// <inheritdoc cref="ProtectedVmEffect.StartResync"/>
    StartResync = 10,

    /// <inheritdoc cref="ProtectedVmEffect.StartTestFailover"/>
    StartTestFailover = 11,

    /// <inheritdoc cref="ProtectedVmEffect.CleanUpTestFailover"/>
    CleanUpTestFailover = 12,

    /// <inheritdoc cref="ProtectedVmEffect.QuiesceSource"/>
    QuiesceSource = 13,

    /// <inheritdoc cref="ProtectedVmEffect.FenceSource"/>
    FenceSource = 14,

    /// <inheritdoc cref="ProtectedVmEffect.PrepareFailover"/>
    PrepareFailover = 15,

    /// <inheritdoc cref="ProtectedVmEffect.SwitchRecoveredPoint"/>
    SwitchRecoveredPoint = 16,

    /// <inheritdoc cref="ProtectedVmEffect.CommitFailover"/>
    CommitFailover = 17,

    /// <inheritdoc cref="ProtectedVmEffect.CancelFailover"/>
    CancelFailover = 18,

    /// <inheritdoc cref="ProtectedVmEffect.StartReverseReplication"/>
    StartReverseReplication = 19,

    /// <inheritdoc cref="ProtectedVmEffect.QuiesceTarget"/>
    QuiesceTarget = 20,

    /// <inheritdoc cref="ProtectedVmEffect.PromoteSource"/>
    PromoteSource = 21,

    /// <inheritdoc cref="ProtectedVmEffect.CommitFailback"/>
    CommitFailback = 22,

    /// <inheritdoc cref="ProtectedVmEffect.StartForwardReplication"/>
    StartForwardReplication = 23,

    /// <inheritdoc cref="ProtectedVmEffect.ReleaseProtection"/>
    ReleaseProtection = 24,
}

/// <summary>
/// What a protected VM asks of the outside. Each is answered by <see
/// cref="ProtectedVmCommand.RecordEffectSucceeded"/> or <see cref="ProtectedVmCommand.RecordEffectFailed"/> with its
/// id. Each may be asked again under the same id (after a restart) or under a new one (a retry), so carrying it out
/// twice must do no more than carrying it out once.
/// </summary>
public abstract record ProtectedVmEffect : Effect
{
    private ProtectedVmEffect()
    {
    }

    /// <summary>Its kind.</summary>
    public abstract EffectKind Kind { get; }

    /// <summary>
    /// Checks agent, disks, room and quota; creates nothing. Succeeds with
    /// <see cref="EffectResult.PrerequisitesMet"/>, or fails with every reason at once (ENA-2).
    /// </summary>
    public sealed record CheckPrerequisites(string Agent, ValueList<ProtectedDisk> Disks) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CheckPrerequisites;
    }

    /// <summary>Has the agent capture the writes of the disks under the term.</summary>
    public sealed record AttachSource(string Agent, ValueList<ProtectedDisk> Disks, Term Term) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.AttachSource;
    }

    /// <summary>Creates the replica of the disks, or opens one that was kept.</summary>
    public sealed record PrepareTarget(ValueList<ProtectedDisk> Disks, Term Term) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PrepareTarget;
    }

    /// <summary>Starts initial replication; its end is told by <see cref="ProtectedVmCommand.RecordInSync"/>.</summary>
    public sealed record StartInitialReplication(Term Term) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartInitialReplication;
    }

    /// <summary>Applies the settings that follow initial replication (ENA-14).</summary>
    public sealed record FinalizeProtection : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.FinalizeProtection;
    }

    /// <summary>
    /// Makes a point under this id. Answered by <see cref="ProtectedVmCommand.RecordRecoveryPointSealed"/> or
    /// <see cref="ProtectedVmCommand.RecordRecoveryPointSkipped"/>; a success only says that the marker stands in the
    /// stream.
    /// </summary>
    public sealed record TakeRecoveryPoint(RecoveryPointId Point, PointKind PointKind) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.TakeRecoveryPoint;
    }

    /// <summary>Drops the points; unknown ones are dropped already.</summary>
    public sealed record PrunePoints(ValueList<RecoveryPointId> Points) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PrunePoints;
    }

    /// <summary>Stops sending; writes are still captured.</summary>
    public sealed record PauseReplication : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PauseReplication;
    }

    /// <summary>Sends again, where it stopped; also the retry after a replication error.</summary>
    public sealed record ResumeReplication : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.ResumeReplication;
    }

    /// <summary>Starts a resync; its end is told by RecordResyncCompleted or RecordResyncFailed.</summary>
    public sealed record StartResync(ValueList<ResyncReason> Reasons) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartResync;
    }

    /// <summary>
    /// Exports a writable copy of the point; replication and source notice nothing. Succeeds with
    /// <see cref="EffectResult.TestFailoverReady"/>.
    /// </summary>
    public sealed record StartTestFailover(ChosenPoint Point) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartTestFailover;
    }

    /// <summary>Removes everything the test failover made.</summary>
    public sealed record CleanUpTestFailover : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CleanUpTestFailover;
    }

    /// <summary>
    /// The source takes no more writes, durably. When <paramref name="Drain"/>, it also ships what it has and the
    /// target has it: not for an older point, which would wait for bytes that it does not hold. Succeeds with <see
    /// cref="EffectResult.Quiesced"/>. When <paramref name="BestEffort"/> (unplanned), any failure lets the failover
    /// go on: give up soon.
    /// </summary>
    public sealed record QuiesceSource(Term NewTerm, bool BestEffort, bool Drain) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.QuiesceSource;
    }

    /// <summary>Tells the source, when it can be reached, that it lost its term; retried until it can.</summary>
    public sealed record FenceSource(Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.FenceSource;
    }

    /// <summary>
    /// Takes the new term at the target, processes what was received and seals it when the choice says so, and
    /// exports writable disks. Needs nothing of the source side (FOV-9). Succeeds with <see
    /// cref="EffectResult.FailoverReady"/>.
    /// </summary>
    public sealed record PrepareFailover(ChosenPoint Point, Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PrepareFailover;
    }

    /// <summary>
    /// Exports writable disks of another point in place of the current ones. Succeeds with
    /// <see cref="EffectResult.FailoverReady"/>; on failure the current ones stay.
    /// </summary>
    public sealed record SwitchRecoveredPoint(RecoveryPointId Point) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.SwitchRecoveredPoint;
    }

    /// <summary>Settles the point and drops all others (FOV-4).</summary>
    public sealed record CommitFailover(RecoveryPointId Point) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CommitFailover;
    }

    /// <summary>
    /// Undoes a failover (or failback): the side that was to take over lets go and leaves nothing behind, the other
    /// writes under the new term. May succeed while the source is away: it learns the term when it comes back.
    /// </summary>
    public sealed record CancelFailover(Direction Direction, Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CancelFailover;
    }

    /// <summary>Starts replication target to source by differences; in sync is told by RecordInSync.</summary>
    public sealed record StartReverseReplication(Term Term) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartReverseReplication;
    }

    /// <summary>
    /// Failback: the recovered disks take no more writes and the last ones are shipped. Succeeds with
    /// <see cref="EffectResult.Quiesced"/>.
    /// </summary>
    public sealed record QuiesceTarget(Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.QuiesceTarget;
    }

    /// <summary>Failback: the source takes writes again, under the new term.</summary>
    public sealed record PromoteSource(Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PromoteSource;
    }

    /// <summary>Failback: the recovered disks are let go.</summary>
    public sealed record CommitFailback : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CommitFailback;
    }

    /// <summary>
    /// After a failback: replication source to target by differences; in sync is told by RecordInSync.
    /// </summary>
    public sealed record StartForwardReplication(Term Term) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartForwardReplication;
    }

    /// <summary>
    /// Detaches the agent, ends replication and removes what enabling made. The side that runs the machine keeps its
    /// disks; <paramref name="KeepReplica"/> keeps the replica too.
    /// </summary>
    public sealed record ReleaseProtection(bool KeepReplica) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.ReleaseProtection;
    }
}

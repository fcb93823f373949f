using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The kinds of effects in events and retries. The values are stored: never renumber.</summary>
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
/// Work that a protected VM requests from outside. The outcome returns as
/// <see cref="ProtectedVmCommand.RecordEffectSucceeded"/> or <see cref="ProtectedVmCommand.RecordEffectFailed"/> with
/// the effect's id. An effect may be delivered again under the same id (after a restart) or under a new id (a retry),
/// so running it must be idempotent.
/// </summary>
public abstract record ProtectedVmEffect : Effect
{
    private ProtectedVmEffect()
    {
    }

    /// <summary>The kind of the effect.</summary>
    public abstract EffectKind Kind { get; }

    /// <summary>
    /// Checks agent, disks, room and quota without creating anything. Succeeds with
    /// <see cref="EffectResult.PrerequisitesMet"/>, or fails with all reasons at once (ENA-2).
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

    /// <summary>Creates the replica of the disks, or opens a replica that was kept.</summary>
    public sealed record PrepareTarget(ValueList<ProtectedDisk> Disks, Term Term) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PrepareTarget;
    }

    /// <summary>Starts initial replication. <see cref="ProtectedVmCommand.RecordInSync"/> reports its end.</summary>
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
    /// Makes a point under this id. <see cref="ProtectedVmCommand.RecordRecoveryPointSealed"/> or
    /// <see cref="ProtectedVmCommand.RecordRecoveryPointSkipped"/> reports the result. Success only means that the
    /// marker is in the stream.
    /// </summary>
    public sealed record TakeRecoveryPoint(RecoveryPointId Point, PointKind PointKind) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.TakeRecoveryPoint;
    }

    /// <summary>Deletes the points. Unknown points count as already deleted.</summary>
    public sealed record PrunePoints(ValueList<RecoveryPointId> Points) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PrunePoints;
    }

    /// <summary>Stops sending. Writes are still captured.</summary>
    public sealed record PauseReplication : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PauseReplication;
    }

    /// <summary>Resumes sending from where it stopped. Also the retry after a replication error.</summary>
    public sealed record ResumeReplication : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.ResumeReplication;
    }

    /// <summary>Starts a resync. RecordResyncCompleted or RecordResyncFailed reports its end.</summary>
    public sealed record StartResync(ValueList<ResyncReason> Reasons) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartResync;
    }

    /// <summary>
    /// Exports a writable copy of the point, without affecting replication or the source. Succeeds with
    /// <see cref="EffectResult.TestFailoverReady"/>.
    /// </summary>
    public sealed record StartTestFailover(ChosenPoint Point) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartTestFailover;
    }

    /// <summary>Removes everything that the test failover created.</summary>
    public sealed record CleanUpTestFailover : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CleanUpTestFailover;
    }

    /// <summary>
    /// Stops the source from accepting writes, durably. When <paramref name="Drain"/>, the source also ships everything
    /// it has and waits until the target has it. An older point does not drain, because that would wait for bytes that
    /// the point does not hold. Succeeds with <see cref="EffectResult.Quiesced"/>. When <paramref name="BestEffort"/>
    /// (unplanned), the runner gives up soon, and the failover continues after any failure.
    /// </summary>
    public sealed record QuiesceSource(Term NewTerm, bool BestEffort, bool Drain) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.QuiesceSource;
    }

    /// <summary>Notifies the source that it lost its term. Retried until the source can be reached.</summary>
    public sealed record FenceSource(Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.FenceSource;
    }

    /// <summary>
    /// Takes the new term at the target, processes what was received, seals it when the choice requires it, and exports
    /// writable disks. Needs nothing from the source side (FOV-9). Succeeds with
    /// <see cref="EffectResult.FailoverReady"/>.
    /// </summary>
    public sealed record PrepareFailover(ChosenPoint Point, Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PrepareFailover;
    }

    /// <summary>
    /// Exports writable disks of another point in place of the current ones. Succeeds with
    /// <see cref="EffectResult.FailoverReady"/>. After a failure the current disks stay.
    /// </summary>
    public sealed record SwitchRecoveredPoint(RecoveryPointId Point) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.SwitchRecoveredPoint;
    }

    /// <summary>Makes the failover final on its point and deletes all other points (FOV-4).</summary>
    public sealed record CommitFailover(RecoveryPointId Point) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CommitFailover;
    }

    /// <summary>
    /// Undoes a failover or failback. The side that was to take over stops and leaves nothing behind; the other side
    /// writes under the new term. May succeed while the source is away: the source learns the term when it reconnects.
    /// </summary>
    public sealed record CancelFailover(Direction Direction, Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CancelFailover;
    }

    /// <summary>
    /// Starts replication of differences from target to source. RecordInSync reports that both sides are equal.
    /// </summary>
    public sealed record StartReverseReplication(Term Term) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartReverseReplication;
    }

    /// <summary>
    /// In a failback, stops writes to the recovered disks and ships the last ones. Succeeds with
    /// <see cref="EffectResult.Quiesced"/>.
    /// </summary>
    public sealed record QuiesceTarget(Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.QuiesceTarget;
    }

    /// <summary>In a failback, lets the source accept writes again under the new term.</summary>
    public sealed record PromoteSource(Term NewTerm) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.PromoteSource;
    }

    /// <summary>In a failback, deletes the recovered disks.</summary>
    public sealed record CommitFailback : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.CommitFailback;
    }

    /// <summary>
    /// After a failback, starts replication of differences from source to target. RecordInSync reports that both sides
    /// are equal.
    /// </summary>
    public sealed record StartForwardReplication(Term Term) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.StartForwardReplication;
    }

    /// <summary>
    /// Detaches the agent, ends replication and removes everything that enabling created. The side that runs the
    /// machine keeps its disks; <paramref name="KeepReplica"/> keeps the replica too.
    /// </summary>
    public sealed record ReleaseProtection(bool KeepReplica) : ProtectedVmEffect
    {
        /// <inheritdoc/>
        public override EffectKind Kind => EffectKind.ReleaseProtection;
    }
}

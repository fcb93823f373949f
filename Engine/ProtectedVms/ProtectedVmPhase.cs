using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The steps of enabling (ENA-1).</summary>
public enum EnableStep
{
    /// <summary>Prerequisites are being checked; nothing exists yet.</summary>
    CheckingPrerequisites = 1,

    /// <summary>The agent is attaching the source.</summary>
    AttachingSource = 2,

    /// <summary>The target's resources and the replication relationship are being created.</summary>
    PreparingTarget = 3,

    /// <summary>Initial replication is being started.</summary>
    StartingInitialReplication = 4,
}

/// <summary>The steps of a failover or failback.</summary>
public enum FailoverStep
{
    /// <summary>The side that runs the machine is being stopped from accepting writes.</summary>
    Quiescing = 1,

    /// <summary>The other side is being made writable.</summary>
    Promoting = 2,
}

/// <summary>The lifecycle phase of a protected VM. A replication problem changes health, never the phase.</summary>
/// <remarks>
/// <code>
/// NotProtected ─► Enabling ─► InitialReplication ─► Finalizing ─► Protected ─► FailingOver ─► CommitPending ─►
/// Committing
///                    └► EnableFailed                   ▲  ▲            │             │ ▲                       │
///                                                      │  └─Cancelling◄┴─────────────┘ └─►ChangingPoint        ▼
///                                                      │                                                FailedOver
/// Reprotecting(ToRecovery) ────────────────────────────┘                                                       │
///     ▲                                                                         Reprotecting(ToPrimary) ◄──────┘
/// FailedBack ◄─ CommittingFailback ◄─ FailbackCommitPending ◄─ FailingBack ◄─ ProtectedReverse ◄─┘
///                                                                └─► Cancelling ─► ProtectedReverse
/// any phase without a failover in progress ─► Disabling ─► Disabled (replica kept) ─► Disabling ─► Disabled
/// </code>
/// </remarks>
public abstract record Phase
{
    private Phase()
    {
    }

    /// <summary>The VM was never protected.</summary>
    public sealed record NotProtected : Phase;

    /// <summary>Source and target are being prepared.</summary>
    public sealed record Enabling(EnableStep Step) : Phase;

    /// <summary>Enabling was abandoned. Its resources are removed, or being removed.</summary>
    public sealed record EnableFailed(EffectError Error, bool CleanUpOwed) : Phase;

    /// <summary>Initial replication is copying all data to the target.</summary>
    public sealed record InitialReplication : Phase;

    /// <summary>The last settings are being applied.</summary>
    public sealed record Finalizing : Phase;

    /// <summary>Replication from source to target runs or is meant to run.</summary>
    public sealed record Protected : Phase;

    /// <summary>The target is taking over.</summary>
    public sealed record FailingOver(
        FailoverKind Kind, FailoverStep Step, ChosenPoint Point, Term PreviousTerm, DateTimeOffset StartedAt) : Phase
    {
        /// <summary>
        /// Whether the failover ignores clients that write to the source's disks, as the user requested.
        /// </summary>
        public bool Forced { get; init; }
    }

    /// <summary>The target runs the machine. The failover can still be changed or undone.</summary>
    public sealed record CommitPending(Recovery Recovery) : Phase;

    /// <summary>The target is changing to another recovery point.</summary>
    public sealed record ChangingPoint(Recovery Recovery, RecoveryPointId Next) : Phase;

    /// <summary>The failover is being made final.</summary>
    public sealed record Committing(Recovery Recovery) : Phase;

    /// <summary>A failover or failback is being undone. The direction is that of the undone operation.</summary>
    public sealed record Cancelling(Direction Direction) : Phase;

    /// <summary>The target runs the machine without protection.</summary>
    public sealed record FailedOver(Recovery Recovery) : Phase
    {
        /// <summary>
        /// Whether the commit gave up newer points, so that only the old source holds what was written after the chosen
        /// point.
        /// </summary>
        public bool GaveUpNewerPoints { get; init; }
    }

    /// <summary>Replication in the given direction is making the other side equal.</summary>
    public sealed record Reprotecting(Direction Direction, bool Started) : Phase;

    /// <summary>Replication from target to source is running.</summary>
    public sealed record ProtectedReverse : Phase;

    /// <summary>The source is taking over again.</summary>
    public sealed record FailingBack(FailoverStep Step) : Phase;

    /// <summary>The source runs the machine; the recovered disks still exist.</summary>
    public sealed record FailbackCommitPending : Phase;

    /// <summary>The failback is being made final.</summary>
    public sealed record CommittingFailback : Phase;

    /// <summary>The source runs the machine without protection until it is reprotected.</summary>
    public sealed record FailedBack : Phase;

    /// <summary>Protection is being removed from a machine that runs at this side.</summary>
    public sealed record Disabling(bool KeepReplica, PrimarySide Primary) : Phase;

    /// <summary>Protection was removed from a machine that runs at this side.</summary>
    public sealed record Disabled(bool ReplicaKept, PrimarySide Primary) : Phase;
}

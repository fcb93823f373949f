using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>How far enabling is (ENA-1).</summary>
public enum EnableStep
{
    /// <summary>Prerequisites are checked; nothing exists yet.</summary>
    CheckingPrerequisites = 1,

    /// <summary>The agent attaches the source.</summary>
    AttachingSource = 2,

    /// <summary>The target's resources and the replication relationship are created.</summary>
    PreparingTarget = 3,

    /// <summary>Initial replication is started.</summary>
    StartingInitialReplication = 4,
}

/// <summary>How far a failover or failback is.</summary>
public enum FailoverStep
{
    /// <summary>The side that runs the machine stops taking writes.</summary>
    Quiescing = 1,

    /// <summary>The other side is made writable.</summary>
    Promoting = 2,
}

/// <summary>Where in its lifecycle a protected VM is. Trouble in replication is health, never a phase.</summary>
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
/// any phase without a failover in progress ─► Disabling ─► Disabled
/// </code>
/// </remarks>
public abstract record Phase
{
    private Phase()
    {
    }

    /// <summary>Never protected.</summary>
    public sealed record NotProtected : Phase;

    /// <summary>Source and target are being prepared.</summary>
    public sealed record Enabling(EnableStep Step) : Phase;

    /// <summary>Enabling was given up; what it had created is removed, or being removed.</summary>
    public sealed record EnableFailed(EffectError Error, bool CleanUpOwed) : Phase;

    /// <summary>Every byte is being sent.</summary>
    public sealed record InitialReplication : Phase;

    /// <summary>The last settings are being applied.</summary>
    public sealed record Finalizing : Phase;

    /// <summary>Replication from source to target runs (or is meant to).</summary>
    public sealed record Protected : Phase;

    /// <summary>The target is taking over.</summary>
    public sealed record FailingOver(
        FailoverKind Kind, FailoverStep Step, ChosenPoint Point, Term PreviousTerm, DateTimeOffset StartedAt) : Phase
    {
        /// <summary>Clients that write to the source's disks do not keep it from going on.</summary>
        public bool Forced { get; init; }
    }

    /// <summary>The target runs the machine; the failover can still be changed or undone.</summary>
    public sealed record CommitPending(Recovery Recovery) : Phase;

    /// <summary>The target is changing to another point.</summary>
    public sealed record ChangingPoint(Recovery Recovery, RecoveryPointId Next) : Phase;

    /// <summary>The failover is being made final.</summary>
    public sealed record Committing(Recovery Recovery) : Phase;

    /// <summary>A failover or failback is being undone; the direction is the one that is undone.</summary>
    public sealed record Cancelling(Direction Direction) : Phase;

    /// <summary>The target runs the machine, unprotected.</summary>
    public sealed record FailedOver(Recovery Recovery) : Phase
    {
        /// <summary>
        /// Whether newer points were given up with the commit: the old source alone holds what was written since the
        /// one that was chosen.
        /// </summary>
        public bool GaveUpNewerPoints { get; init; }
    }

    /// <summary>The other side is being brought to equality.</summary>
    public sealed record Reprotecting(Direction Direction, bool Started) : Phase;

    /// <summary>Replication from target to source runs.</summary>
    public sealed record ProtectedReverse : Phase;

    /// <summary>The source is taking over again.</summary>
    public sealed record FailingBack(FailoverStep Step) : Phase;

    /// <summary>The source runs the machine; the recovered disks still exist.</summary>
    public sealed record FailbackCommitPending : Phase;

    /// <summary>The failback is being made final.</summary>
    public sealed record CommittingFailback : Phase;

    /// <summary>The source runs the machine, unprotected until it is reprotected.</summary>
    public sealed record FailedBack : Phase;

    /// <summary>Protection is being removed from a machine that runs at this side.</summary>
    public sealed record Disabling(bool KeepReplica, PrimarySide Primary) : Phase;

    /// <summary>Protection was removed from a machine that runs at this side.</summary>
    public sealed record Disabled(bool ReplicaKept, PrimarySide Primary) : Phase;
}

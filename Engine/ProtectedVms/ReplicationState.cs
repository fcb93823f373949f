using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The status of replication; see <see cref="ReplicationState.Status"/>.</summary>
public enum ReplicationStatus
{
    /// <summary>Replication is not meant to run in this phase.</summary>
    Stopped = 0,

    /// <summary>Replication runs or tries to run.</summary>
    Running = 1,

    /// <summary>A user paused replication.</summary>
    Paused = 2,

    /// <summary>The replica may differ, and a resync must run first.</summary>
    ResyncRequired = 3,

    /// <summary>A resync is running.</summary>
    Resyncing = 4,
}

/// <summary>The stages of a resync.</summary>
public enum ResyncStage
{
    /// <summary>A resync is required and not started.</summary>
    Required = 1,

    /// <summary>A resync is ordered, and the data plane has not confirmed it.</summary>
    Ordered = 2,

    /// <summary>The resync is running.</summary>
    Running = 3,
}

/// <summary>A resync that is required or running.</summary>
/// <param name="Reasons">The reasons, in the order in which they arose.</param>
/// <param name="MarkedAt">When the first reason arose (UTC).</param>
/// <param name="Stage">The stage of the resync.</param>
/// <param name="StartsAt">When the resync starts automatically (UTC); null when it does not.</param>
/// <param name="Since">The number of the event that ordered the resync; 0 when none did, because it is not ordered yet
/// or the data plane began it.</param>
public sealed record ResyncMark(
    ValueList<ResyncReason> Reasons, DateTimeOffset MarkedAt, ResyncStage Stage, DateTimeOffset? StartsAt, long Since);

/// <summary>A replication error and the time of its retry (ERR-1).</summary>
/// <param name="Error">The last error.</param>
/// <param name="Failures">The number of errors in a row.</param>
/// <param name="RetryAt">When replication is retried (UTC); null while it is being retried or waits for an
/// operator.</param>
/// <param name="Since">When the first error occurred (UTC).</param>
public sealed record ReplicationFault(EffectError Error, int Failures, DateTimeOffset? RetryAt, DateTimeOffset Since);

/// <summary>The last order to the sender, not yet confirmed.</summary>
/// <param name="Kind"><see cref="EffectKind.PauseReplication"/> or <see cref="EffectKind.ResumeReplication"/>.</param>
/// <param name="Since">The number of the event that gave the order.</param>
public sealed record ReplicationOrder(EffectKind Kind, long Since);

/// <summary>The state of replication.</summary>
/// <param name="Active">Whether replication belongs to the phase.</param>
/// <param name="Paused">Whether a user paused replication.</param>
/// <param name="Resync">The resync that is required or running.</param>
/// <param name="Order">The unconfirmed order to pause or resume.</param>
/// <param name="Fault">The error that stopped replication.</param>
public sealed record ReplicationState(
    bool Active, bool Paused, ResyncMark? Resync, ReplicationOrder? Order, ReplicationFault? Fault)
{
    /// <summary>The state without replication.</summary>
    public static ReplicationState Idle { get; } = new(false, false, null, null, null);

    /// <summary>The state of replication without problems.</summary>
    public static ReplicationState Started { get; } = Idle with { Active = true };

    /// <summary>
    /// The overall status: the first that applies of Stopped, Paused, Resyncing, ResyncRequired, Running.
    /// </summary>
    public ReplicationStatus Status => !Active ? ReplicationStatus.Stopped
        : Paused ? ReplicationStatus.Paused
        : Resync is null ? ReplicationStatus.Running
        : Resync.Stage == ResyncStage.Required ? ReplicationStatus.ResyncRequired
        : ReplicationStatus.Resyncing;
}

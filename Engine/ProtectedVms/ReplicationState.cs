using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>Replication in one word; see <see cref="ReplicationState.Status"/>.</summary>
public enum ReplicationStatus
{
    /// <summary>Not meant to run in this phase.</summary>
    Stopped = 0,

    /// <summary>Runs, or tries to.</summary>
    Running = 1,

    /// <summary>Paused by a user.</summary>
    Paused = 2,

    /// <summary>The replica may differ; a resync has to run first.</summary>
    ResyncRequired = 3,

    /// <summary>A resync runs.</summary>
    Resyncing = 4,
}

/// <summary>How far a resync is.</summary>
public enum ResyncStage
{
    /// <summary>Marked, not started.</summary>
    Required = 1,

    /// <summary>Ordered; the data plane has not confirmed it.</summary>
    Ordered = 2,

    /// <summary>It runs.</summary>
    Running = 3,
}

/// <summary>A resync that is needed or runs.</summary>
/// <param name="Reasons">Why, in the order in which the reasons came.</param>
/// <param name="MarkedAt">When the first came (UTC).</param>
/// <param name="Stage">How far it is.</param>
/// <param name="StartsAt">When it starts by itself (UTC); null when it does not.</param>
/// <param name="Since">
/// The number of the event that ordered it; 0 when nothing was ordered: before, or when the data plane began by itself.
/// </param>
public sealed record ResyncMark(
    ValueList<ResyncReason> Reasons, DateTimeOffset MarkedAt, ResyncStage Stage, DateTimeOffset? StartsAt, long Since);

/// <summary>A replication error, and when it is tried again (ERR-1).</summary>
/// <param name="Error">The last one.</param>
/// <param name="Failures">How many in a row.</param>
/// <param name="RetryAt">When replication is tried again (UTC); null while it is tried or a person is needed.</param>
/// <param name="Since">When the first came (UTC).</param>
public sealed record ReplicationFault(EffectError Error, int Failures, DateTimeOffset? RetryAt, DateTimeOffset Since);

/// <summary>The last word to the sender that it has not confirmed.</summary>
/// <param name="Kind"><see cref="EffectKind.PauseReplication"/> or <see cref="EffectKind.ResumeReplication"/>.</param>
/// <param name="Since">The number of the event that gave it.</param>
public sealed record ReplicationOrder(EffectKind Kind, long Since);

/// <summary>How replication stands.</summary>
/// <param name="Active">The phase has replication.</param>
/// <param name="Paused">A user paused it.</param>
/// <param name="Resync">The resync that is needed or runs.</param>
/// <param name="Order">The unconfirmed pause or resume.</param>
/// <param name="Fault">The error that stopped it.</param>
public sealed record ReplicationState(
    bool Active, bool Paused, ResyncMark? Resync, ReplicationOrder? Order, ReplicationFault? Fault)
{
    /// <summary>Not replicating.</summary>
    public static ReplicationState Idle { get; } = new(false, false, null, null, null);

    /// <summary>Replicating, nothing wrong.</summary>
    public static ReplicationState Started { get; } = Idle with { Active = true };

    /// <summary>
    /// All of it in one word; the first that applies of Stopped, Paused, Resyncing, ResyncRequired, Running.
    /// </summary>
    public ReplicationStatus Status => !Active ? ReplicationStatus.Stopped
        : Paused ? ReplicationStatus.Paused
        : Resync is null ? ReplicationStatus.Running
        : Resync.Stage == ResyncStage.Required ? ReplicationStatus.ResyncRequired
        : ReplicationStatus.Resyncing;
}

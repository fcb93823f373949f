namespace ReplicationEngine.Engine.Health;

/// <summary>How well protection works. Health is independent of the lifecycle phase (OPS-2).</summary>
public enum HealthLevel
{
    /// <summary>Nothing is wrong.</summary>
    Normal = 0,

    /// <summary>A problem exists, and the engine is handling it.</summary>
    Warning = 1,

    /// <summary>Protection does not work, or an operator must intervene.</summary>
    Critical = 2,
}

/// <summary>The kind of problem.</summary>
public enum HealthKind
{
    /// <summary>An operation failed and is retried automatically (ERR-1).</summary>
    RecoverableError = 1,

    /// <summary>An operation failed and waits for an operator (ERR-2, RES-7).</summary>
    NonRecoverableError = 2,

    /// <summary>The data loss at risk exceeds the policy's threshold (POL-4).</summary>
    RpoExceeded = 3,

    /// <summary>The newest usable recovery point is older than the policy allows.</summary>
    NoRecentPoint = 4,

    /// <summary>The log or cache is full. Changed extents are only marked, and are compared later.</summary>
    CacheFull = 5,

    /// <summary>The old source reconnected after a failover and was fenced (FOV-8).</summary>
    SourceFenced = 6,

    /// <summary>A recovery point's content does not match its checksums.</summary>
    PointUnusable = 7,

    /// <summary>The agent is not connected.</summary>
    AgentDisconnected = 8,

    /// <summary>The target's store is damaged.</summary>
    TargetStoreCorrupt = 9,

    /// <summary>
    /// An application-consistent point could not be made; a crash-consistent point was made instead (RCP-3).
    /// </summary>
    AppConsistencyFailed = 10,

    /// <summary>The replica may differ from the source. A resync is due or running.</summary>
    ResyncRequired = 11,

    /// <summary>An operation was abandoned because of an error, and the machine is back where it was before.</summary>
    OperationFailed = 12,

    /// <summary>
    /// The source is not served as the VM's state requires: wrong role, wrong term, or a disk without an address.
    /// </summary>
    SourceNotServed = 13,

    /// <summary>The machine runs, and no other side receives its writes.</summary>
    NotProtected = 14,

    /// <summary>The target has no room for incoming data, or is about to run out.</summary>
    TargetFull = 15,

    /// <summary>The clocks of the agent and the service differ by more than one second.</summary>
    ClockOffset = 16,

    /// <summary>The policy requires application-consistent points, but the agent has no hooks to make them.</summary>
    NoHooks = 17,

    /// <summary>A user paused replication.</summary>
    ReplicationPaused = 18,

    /// <summary>The data stream between source and target is down.</summary>
    ReplicationStalled = 19,
}

/// <summary>A problem that affects a VM's protection.</summary>
/// <param name="Kind">The kind of problem.</param>
/// <param name="Subject">The affected operation, point or disk; empty for the VM itself.</param>
/// <param name="Level">The severity.</param>
/// <param name="Message">The problem in one sentence.</param>
/// <param name="Remedy">The remedy; empty when the engine resolves the problem itself.</param>
/// <param name="Since">When the problem began (UTC).</param>
public sealed record HealthCause(
    HealthKind Kind, string Subject, HealthLevel Level, string Message, string Remedy, DateTimeOffset Since);

namespace ReplicationEngine.Engine.Health;

/// <summary>How well protection works; apart from the lifecycle phase (OPS-2).</summary>
public enum HealthLevel
{
    /// <summary>Nothing is wrong.</summary>
    Normal = 0,

    /// <summary>Something needs watching; the engine works on it.</summary>
    Warning = 1,

    /// <summary>Protection does not work, or a person is needed.</summary>
    Critical = 2,
}

/// <summary>What is wrong.</summary>
public enum HealthKind
{
    /// <summary>An operation failed and is retried by itself (ERR-1).</summary>
    RecoverableError = 1,

    /// <summary>An operation failed and waits for a person (ERR-2, RES-7).</summary>
    NonRecoverableError = 2,

    /// <summary>The data loss at risk exceeds the policy's threshold (POL-4).</summary>
    RpoExceeded = 3,

    /// <summary>The newest usable recovery point is older than the policy allows.</summary>
    NoRecentPoint = 4,

    /// <summary>Log or cache are full: changes are only marked, and compared later.</summary>
    CacheFull = 5,

    /// <summary>The old source came back after a failover and was fenced (FOV-8).</summary>
    SourceFenced = 6,

    /// <summary>A recovery point's content does not match its checksums.</summary>
    PointUnusable = 7,

    /// <summary>The agent is not connected.</summary>
    AgentDisconnected = 8,

    /// <summary>The target's store is damaged.</summary>
    TargetStoreCorrupt = 9,

    /// <summary>An application-consistent point could not be made; a crash-consistent one was (RCP-3).</summary>
    AppConsistencyFailed = 10,

    /// <summary>The replica may differ from the source; a resync is due or running.</summary>
    ResyncRequired = 11,

    /// <summary>An operation was given up; the machine is where it was before it.</summary>
    OperationFailed = 12,

    /// <summary>The source is not served as the VM's state asks: role, term, or a disk without an address.</summary>
    SourceNotServed = 13,

    /// <summary>The machine runs, and no other side receives what it writes.</summary>
    NotProtected = 14,

    /// <summary>The target has no room for what the source sends, or soon will not have.</summary>
    TargetFull = 15,

    /// <summary>The clocks of agent and service differ by more than a second.</summary>
    ClockOffset = 16,

    /// <summary>The policy asks for application-consistent points, and the agent has no hooks to make them.</summary>
    NoHooks = 17,

    /// <summary>A user paused replication.</summary>
    ReplicationPaused = 18,

    /// <summary>The data stream between the two sides is down.</summary>
    ReplicationStalled = 19,
}

/// <summary>One thing that is wrong.</summary>
/// <param name="Kind">What.</param>
/// <param name="Subject">Of what: an operation, a point, a disk; empty for the VM itself.</param>
/// <param name="Level">How bad.</param>
/// <param name="Message">One sentence.</param>
/// <param name="Remedy">What to do; empty when the engine does it.</param>
/// <param name="Since">Since when (UTC).</param>
public sealed record HealthCause(
    HealthKind Kind, string Subject, HealthLevel Level, string Message, string Remedy, DateTimeOffset Since);

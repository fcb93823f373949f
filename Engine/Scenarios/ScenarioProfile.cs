namespace ReplicationEngine.Engine.Scenarios;

/// <summary>Whether a scenario offers planned failover.</summary>
public enum PlannedFailoverRule
{
    /// <summary>Planned failover is offered.</summary>
    Allowed = 1,

    /// <summary>
    /// Planned failover continues only after the agent confirms the shutdown, because nothing else can stop the source.
    /// </summary>
    WhenAgentConfirmsShutdown = 2,
}

/// <summary>How reverse replication starts after a failover.</summary>
public enum ReverseReplicationRule
{
    /// <summary>The user starts reverse replication (reprotect).</summary>
    Manual = 1,

    /// <summary>Reverse replication starts automatically once the failover is committed.</summary>
    Automatic = 2,

    /// <summary>The scenario has no reverse replication, and so no failback.</summary>
    None = 3,
}

/// <summary>How a failover is committed.</summary>
public enum CommitRule
{
    /// <summary>The user commits, and can change the point until then.</summary>
    Manual = 1,

    /// <summary>The failover commits automatically as soon as the target is ready.</summary>
    Automatic = 2,
}

/// <summary>
/// The capabilities and limits of a protection scenario, as data only (SCN-11). One row of the table in
/// requirements.md.
/// </summary>
public sealed record ScenarioProfile
{
    /// <summary>The id, such as <c>SCN-1</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The primary site and the recovery site in words.</summary>
    public required string Name { get; init; }

    /// <summary>The component that captures the source's writes.</summary>
    public required string CapturedBy { get; init; }

    /// <summary>Where changes are buffered on their way to the target.</summary>
    public required string ChangesWaitIn { get; init; }

    /// <summary>What is stored at the target.</summary>
    public required string TargetHolds { get; init; }

    /// <summary>Whether and how failover can be planned.</summary>
    public required PlannedFailoverRule PlannedFailover { get; init; }

    /// <summary>Whether the machine can return to its primary site.</summary>
    public required bool Failback { get; init; }

    /// <summary>How reverse replication starts.</summary>
    public required ReverseReplicationRule ReverseReplication { get; init; }

    /// <summary>How a failover is committed.</summary>
    public CommitRule Commit { get; init; } = CommitRule.Manual;

    /// <summary>The longest retention (POL-2).</summary>
    public TimeSpan MaxRetention { get; init; } = TimeSpan.FromDays(15);

    /// <summary>Whether application-consistent points are available.</summary>
    public bool AppConsistentPoints { get; init; } = true;

    /// <summary>The shortest interval between application-consistent points (POL-3).</summary>
    public TimeSpan AppConsistentAtLeast { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The longest interval between application-consistent points (POL-3).</summary>
    public TimeSpan AppConsistentAtMost { get; init; } = TimeSpan.FromHours(12);
}

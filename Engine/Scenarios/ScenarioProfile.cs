namespace ReplicationEngine.Engine.Scenarios;

/// <summary>Whether a scenario has planned failover.</summary>
public enum PlannedFailoverRule
{
    /// <summary>It has.</summary>
    Allowed = 1,

    /// <summary>
    /// Nothing but the agent can stop the source: it goes on only when the agent confirms the shutdown.
    /// </summary>
    WhenAgentConfirmsShutdown = 2,
}

/// <summary>How reverse replication begins after a failover.</summary>
public enum ReverseReplicationRule
{
    /// <summary>The user starts it (reprotect).</summary>
    Manual = 1,

    /// <summary>It begins by itself once the failover is committed.</summary>
    Automatic = 2,

    /// <summary>The scenario has none, and so no failback.</summary>
    None = 3,
}

/// <summary>How a failover is committed.</summary>
public enum CommitRule
{
    /// <summary>By the user, who can change the point until then.</summary>
    Manual = 1,

    /// <summary>By itself, as soon as the target is ready.</summary>
    Automatic = 2,
}

/// <summary>What a protection scenario allows: data only (SCN-11). One row of requirements.md's table.</summary>
public sealed record ScenarioProfile
{
    /// <summary>The id, such as <c>SCN-1</c>.</summary>
    public required string Id { get; init; }

    /// <summary>From where to where.</summary>
    public required string Name { get; init; }

    /// <summary>Who captures the source's writes.</summary>
    public required string CapturedBy { get; init; }

    /// <summary>Where changes wait on their way.</summary>
    public required string ChangesWaitIn { get; init; }

    /// <summary>What the target holds.</summary>
    public required string TargetHolds { get; init; }

    /// <summary>Whether failover can be planned.</summary>
    public required PlannedFailoverRule PlannedFailover { get; init; }

    /// <summary>Whether the machine can return to its primary site.</summary>
    public required bool Failback { get; init; }

    /// <summary>How reverse replication begins.</summary>
    public required ReverseReplicationRule ReverseReplication { get; init; }

    /// <summary>How a failover is committed.</summary>
    public CommitRule Commit { get; init; } = CommitRule.Manual;

    /// <summary>The longest retention (POL-2).</summary>
    public TimeSpan MaxRetention { get; init; } = TimeSpan.FromDays(15);

    /// <summary>Whether there are application-consistent points.</summary>
    public bool AppConsistentPoints { get; init; } = true;

    /// <summary>The shortest distance of two application-consistent points (POL-3).</summary>
    public TimeSpan AppConsistentAtLeast { get; init; } = TimeSpan.FromHours(1);

    /// <summary>The longest distance of two application-consistent points (POL-3).</summary>
    public TimeSpan AppConsistentAtMost { get; init; } = TimeSpan.FromHours(12);
}

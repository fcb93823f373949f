using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.Jobs;

/// <summary>What a job does.</summary>
public enum JobKind
{
    /// <summary>Prepares source and target.</summary>
    Enable = 1,

    /// <summary>Sends every byte, then finalizes.</summary>
    InitialReplication = 2,

    /// <summary>Makes a recovery point that a user asked for.</summary>
    RecoveryPoint = 3,

    /// <summary>Compares and corrects the replica.</summary>
    Resync = 4,

    /// <summary>Recovers a copy next to the running machine.</summary>
    TestFailover = 5,

    /// <summary>Removes that copy.</summary>
    TestFailoverCleanUp = 6,

    /// <summary>Fails over without loss.</summary>
    PlannedFailover = 7,

    /// <summary>Fails over to a point.</summary>
    UnplannedFailover = 8,

    /// <summary>Changes the point of a failover that is not committed.</summary>
    ChangeRecoveryPoint = 9,

    /// <summary>Commits a failover or failback.</summary>
    Commit = 10,

    /// <summary>Undoes a failover or failback that is not committed.</summary>
    Cancel = 11,

    /// <summary>Begins replication in the other direction.</summary>
    Reprotect = 12,

    /// <summary>Returns the machine to its primary site.</summary>
    Failback = 13,

    /// <summary>Ends protection.</summary>
    Disable = 14,
}

/// <summary>How a job stands.</summary>
public enum JobOutcome
{
    /// <summary>It goes on.</summary>
    Running = 0,

    /// <summary>It is done.</summary>
    Succeeded = 1,

    /// <summary>It was given up because of an error.</summary>
    Failed = 2,

    /// <summary>Another operation took its place.</summary>
    Cancelled = 3,
}

/// <summary>One step of a job.</summary>
/// <param name="Name">What it does, for people.</param>
/// <param name="StartedAt">When it began (UTC).</param>
/// <param name="EndedAt">When it ended; null while it goes on.</param>
public sealed record JobStep(string Name, DateTimeOffset StartedAt, DateTimeOffset? EndedAt);

/// <summary>An operation as it is watched (OPS-1).</summary>
/// <param name="Id">The number of the event that began it, unique within the VM.</param>
/// <param name="Kind">What it does.</param>
/// <param name="Actor">Who asked for it; <c>engine</c> when it began by itself.</param>
/// <param name="Steps">Its steps so far; at least one.</param>
/// <param name="Outcome">How it stands.</param>
/// <param name="Error">The last error with its remedy; null when there was none.</param>
public sealed record Job(
    long Id, JobKind Kind, string Actor, ValueList<JobStep> Steps, JobOutcome Outcome, string? Error)
{
    /// <summary>When it began (UTC).</summary>
    public DateTimeOffset StartedAt => Steps[0].StartedAt;

    /// <summary>When it ended (UTC); null while it goes on.</summary>
    public DateTimeOffset? EndedAt => Steps[^1].EndedAt;
}

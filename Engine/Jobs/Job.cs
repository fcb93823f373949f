using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.Jobs;

/// <summary>The operation that a job performs.</summary>
public enum JobKind
{
    /// <summary>Prepares the source and the target.</summary>
    Enable = 1,

    /// <summary>Copies all data to the target, then finalizes protection.</summary>
    InitialReplication = 2,

    /// <summary>Makes a recovery point that a user asked for.</summary>
    RecoveryPoint = 3,

    /// <summary>Compares the two sides and corrects the replica.</summary>
    Resync = 4,

    /// <summary>Recovers a copy next to the running machine.</summary>
    TestFailover = 5,

    /// <summary>Removes the copy made by a test failover.</summary>
    TestFailoverCleanUp = 6,

    /// <summary>Fails over without data loss.</summary>
    PlannedFailover = 7,

    /// <summary>Fails over to a recovery point.</summary>
    UnplannedFailover = 8,

    /// <summary>Changes the recovery point of a failover that is not committed.</summary>
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

/// <summary>The outcome of a job.</summary>
public enum JobOutcome
{
    /// <summary>The job is running.</summary>
    Running = 0,

    /// <summary>The job succeeded.</summary>
    Succeeded = 1,

    /// <summary>The job was abandoned because of an error.</summary>
    Failed = 2,

    /// <summary>The job was cancelled because another operation replaced it.</summary>
    Cancelled = 3,
}

/// <summary>A step of a job.</summary>
/// <param name="Name">A description of the step for operators.</param>
/// <param name="StartedAt">When the step began (UTC).</param>
/// <param name="EndedAt">When the step ended (UTC); null while it runs.</param>
public sealed record JobStep(string Name, DateTimeOffset StartedAt, DateTimeOffset? EndedAt);

/// <summary>An operation as operators monitor it (OPS-1).</summary>
/// <param name="Id">The number of the event that began the job, unique within the VM.</param>
/// <param name="Kind">The operation that the job performs.</param>
/// <param name="Actor">Who requested the job; <c>engine</c> when the engine started it.</param>
/// <param name="Steps">The steps so far; at least one.</param>
/// <param name="Outcome">The outcome.</param>
/// <param name="Error">The last error with its remedy; null when there was none.</param>
public sealed record Job(
    long Id, JobKind Kind, string Actor, ValueList<JobStep> Steps, JobOutcome Outcome, string? Error)
{
    /// <summary>When the job began (UTC).</summary>
    public DateTimeOffset StartedAt => Steps[0].StartedAt;

    /// <summary>When the job ended (UTC); null while it runs.</summary>
    public DateTimeOffset? EndedAt => Steps[^1].EndedAt;
}

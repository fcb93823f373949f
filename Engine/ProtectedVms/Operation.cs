namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The operations that a user can perform on a protected VM.</summary>
public enum Operation
{
    /// <summary>Starts protection.</summary>
    Enable = 1,

    /// <summary>Ends protection.</summary>
    Disable = 2,

    /// <summary>Replaces the policy.</summary>
    UpdatePolicy = 3,

    /// <summary>Pauses replication.</summary>
    Pause = 4,

    /// <summary>Resumes replication.</summary>
    Resume = 5,

    /// <summary>Starts a resync.</summary>
    Resync = 6,

    /// <summary>Makes a recovery point.</summary>
    MakeRecoveryPoint = 7,

    /// <summary>Starts a test failover.</summary>
    TestFailover = 8,

    /// <summary>Cleans up a test failover.</summary>
    CleanUpTestFailover = 9,

    /// <summary>Fails over without data loss.</summary>
    PlannedFailover = 10,

    /// <summary>Fails over to a recovery point.</summary>
    UnplannedFailover = 11,

    /// <summary>Changes the recovery point of a failover.</summary>
    ChangeRecoveryPoint = 12,

    /// <summary>Commits a failover or failback.</summary>
    Commit = 13,

    /// <summary>Undoes a failover or failback.</summary>
    CancelFailover = 14,

    /// <summary>Replicates in the other direction.</summary>
    Reprotect = 15,

    /// <summary>Returns the machine to the primary site.</summary>
    Failback = 16,

    /// <summary>Retries failed work now.</summary>
    RetryJob = 17,

    /// <summary>Holds a recovery point, so that it never expires.</summary>
    HoldRecoveryPoint = 18,

    /// <summary>Releases a held recovery point.</summary>
    ReleaseRecoveryPoint = 19,
}

/// <summary>Converts operations to words.</summary>
internal static class OperationText
{
    /// <summary>Returns the operation as a verb phrase, such as "fail over planned".</summary>
    public static string Verb(this Operation operation) => operation switch
    {
        Operation.Enable => "protect",
        Operation.Disable => "disable",
        Operation.UpdatePolicy => "change the policy",
        Operation.Pause => "pause",
        Operation.Resume => "resume",
        Operation.Resync => "resync",
        Operation.MakeRecoveryPoint => "make a recovery point",
        Operation.TestFailover => "test failover",
        Operation.CleanUpTestFailover => "clean up",
        Operation.PlannedFailover => "start a planned failover",
        Operation.UnplannedFailover => "start an unplanned failover",
        Operation.ChangeRecoveryPoint => "change the recovery point",
        Operation.Commit => "commit",
        Operation.CancelFailover => "cancel",
        Operation.Reprotect => "reprotect",
        Operation.Failback => "fail back",
        Operation.RetryJob => "retry",
        Operation.HoldRecoveryPoint => "hold a recovery point",
        Operation.ReleaseRecoveryPoint => "release a recovery point",
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "Not an operation."),
    };
}

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>What a user can do with a protected VM.</summary>
public enum Operation
{
    /// <summary>Begin protection.</summary>
    Enable = 1,

    /// <summary>End protection.</summary>
    Disable = 2,

    /// <summary>Replace the policy.</summary>
    UpdatePolicy = 3,

    /// <summary>Pause replication.</summary>
    Pause = 4,

    /// <summary>Resume replication.</summary>
    Resume = 5,

    /// <summary>Start a resync.</summary>
    Resync = 6,

    /// <summary>Make a recovery point.</summary>
    MakeRecoveryPoint = 7,

    /// <summary>Start a test failover.</summary>
    TestFailover = 8,

    /// <summary>Clean a test failover up.</summary>
    CleanUpTestFailover = 9,

    /// <summary>Fail over without loss.</summary>
    PlannedFailover = 10,

    /// <summary>Fail over to a point.</summary>
    UnplannedFailover = 11,

    /// <summary>Change the point of a failover.</summary>
    ChangeRecoveryPoint = 12,

    /// <summary>Commit a failover or failback.</summary>
    Commit = 13,

    /// <summary>Undo a failover or failback.</summary>
    CancelFailover = 14,

    /// <summary>Replicate in the other direction.</summary>
    Reprotect = 15,

    /// <summary>Return to the primary site.</summary>
    Failback = 16,

    /// <summary>Try again what failed.</summary>
    RetryJob = 17,
}

/// <summary>Operations in words.</summary>
internal static class OperationText
{
    /// <summary>The operation as a verb phrase, such as "fail over planned".</summary>
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
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "Not an operation."),
    };
}

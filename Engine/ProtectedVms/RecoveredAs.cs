namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>What a VM becomes whose journal was lost and whose replica is left.</summary>
public enum RecoveredAs
{
    /// <summary>The first copy goes on; the source is the primary.</summary>
    InitialReplication = 1,

    /// <summary>Replication goes on after a comparison of all disks; the source is the primary.</summary>
    Protected = 2,

    /// <summary>
    /// A failover waits for its commit. The source is fenced; the recovered machine is served if it is there. If it is
    /// not, nobody is writable until the operator changes the point or cancels.
    /// </summary>
    CommitPending = 3,

    /// <summary>The recovered machine is the primary; the source is fenced until it is reprotected.</summary>
    FailedOver = 4,

    /// <summary>The source is the primary; the recovered disks take no writes and wait for the commit.</summary>
    FailbackCommitPending = 5,

    /// <summary>The source is the primary, unprotected until it is reprotected.</summary>
    FailedBack = 6,

    /// <summary>Not protected; the replica is kept, and the machine runs at the source.</summary>
    Disabled = 7,

    /// <summary>Not protected; the replica is kept, and the machine runs at the target.</summary>
    DisabledAtTarget = 8,

    /// <summary>The recovered machine is the primary, and the source's disks are brought to equality with it.</summary>
    Reprotecting = 9,
}

/// <summary>
/// Decides what a VM is recovered as from what its state was when an effect last touched its target. The rule is that
/// nobody becomes writable who was not, unless the operator had decided it before the journal was lost.
/// </summary>
public static class RecoveryRule
{
    /// <summary>The form in which the VM goes on.</summary>
    /// <param name="phase">The phase when an effect last touched the target.</param>
    /// <param name="hasMachine">Whether the disks of a recovered machine are there.</param>
    public static RecoveredAs Of(Phase phase, bool hasMachine) => phase switch
    {
        Phase.NotProtected or Phase.Enabling or Phase.InitialReplication or Phase.Finalizing =>
            RecoveredAs.InitialReplication,
        // A cancel was the operator's decision to go on at the source and to drop what the machine wrote.
        Phase.Protected or Phase.Cancelling { Direction: Direction.ToRecovery } => RecoveredAs.Protected,
        Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint or Phase.Committing =>
            RecoveredAs.CommitPending,
        Phase.FailedOver => hasMachine ? RecoveredAs.FailedOver : RecoveredAs.CommitPending,
        Phase.Reprotecting { Direction: Direction.ToPrimary } or Phase.ProtectedReverse
            or Phase.FailingBack { Step: FailoverStep.Quiescing } or Phase.Cancelling =>
            hasMachine ? RecoveredAs.Reprotecting : RecoveredAs.CommitPending,
        // The source may have been made writable; the recovered disks had shipped every write before.
        Phase.FailingBack or Phase.FailbackCommitPending => RecoveredAs.FailbackCommitPending,
        Phase.CommittingFailback => hasMachine ? RecoveredAs.FailbackCommitPending : RecoveredAs.FailedBack,
        Phase.FailedBack or Phase.Reprotecting => RecoveredAs.FailedBack,
        Phase.EnableFailed or Phase.Disabling or Phase.Disabled =>
            WritablePrimary.Of(phase) == PrimarySide.Target ? RecoveredAs.DisabledAtTarget : RecoveredAs.Disabled,
        _ => throw new InvalidOperationException($"Phase {phase.GetType().Name} has no rule for recovery."),
    };
}

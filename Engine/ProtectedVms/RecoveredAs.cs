namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The state in which a VM continues when its journal was lost and its replica is left.</summary>
public enum RecoveredAs
{
    /// <summary>Initial replication continues; the source is the primary.</summary>
    InitialReplication = 1,

    /// <summary>Replication continues after a comparison of all disks; the source is the primary.</summary>
    Protected = 2,

    /// <summary>
    /// A failover waits for its commit, and the source is fenced. The recovered machine is served if it exists;
    /// otherwise no side is writable until the operator changes the point or cancels.
    /// </summary>
    CommitPending = 3,

    /// <summary>The recovered machine is the primary; the source is fenced until it is reprotected.</summary>
    FailedOver = 4,

    /// <summary>The source is the primary; the recovered disks accept no writes and wait for the commit.</summary>
    FailbackCommitPending = 5,

    /// <summary>The source is the primary, without protection until it is reprotected.</summary>
    FailedBack = 6,

    /// <summary>The VM is not protected; the replica is kept, and the machine runs at the source.</summary>
    Disabled = 7,

    /// <summary>The VM is not protected; the replica is kept, and the machine runs at the target.</summary>
    DisabledAtTarget = 8,

    /// <summary>The recovered machine is the primary, and replication makes the source's disks equal to it.</summary>
    Reprotecting = 9,
}

/// <summary>
/// Decides the state in which a VM continues from its state when an effect last touched its target. No side becomes
/// writable that was not, unless the operator had decided it before the journal was lost.
/// </summary>
public static class RecoveryRule
{
    /// <summary>Returns the state in which the VM continues.</summary>
    /// <param name="phase">The phase when an effect last touched the target.</param>
    /// <param name="hasMachine">Whether the disks of a recovered machine exist.</param>
    public static RecoveredAs Of(Phase phase, bool hasMachine) => phase switch
    {
        Phase.NotProtected or Phase.Enabling or Phase.InitialReplication or Phase.Finalizing =>
            RecoveredAs.InitialReplication,
        // A cancel was the operator's decision to continue at the source and to drop what the machine wrote.
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

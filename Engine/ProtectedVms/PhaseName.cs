using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The phases' names as programs and people see them.</summary>
public static class PhaseName
{
    /// <summary>The name, such as <c>commit-pending</c>.</summary>
    public static string Of(Phase phase) => phase switch
    {
        Phase.NotProtected => "not-protected",
        Phase.Enabling => "enabling",
        Phase.EnableFailed => "enable-failed",
        Phase.InitialReplication => "initial-replication",
        Phase.Finalizing => "finalizing",
        Phase.Protected => "protected",
        Phase.FailingOver => "failing-over",
        Phase.CommitPending => "commit-pending",
        Phase.ChangingPoint => "changing-point",
        Phase.Committing => "committing",
        Phase.Cancelling => "cancelling",
        Phase.FailedOver => "failed-over",
        Phase.Reprotecting { Direction: Direction.ToPrimary } => "reprotecting",
        Phase.Reprotecting => "reprotecting-forward",
        Phase.ProtectedReverse => "protected-reverse",
        Phase.FailingBack => "failing-back",
        Phase.FailbackCommitPending => "failback-commit-pending",
        Phase.CommittingFailback => "committing-failback",
        Phase.FailedBack => "failed-back",
        Phase.Disabling => "disabling",
        Phase.Disabled => "disabled",
        _ => throw new ImpossibleEventException($"Phase {phase} has no name."),
    };
}

/// <summary>Which side's disks take the machine's writes.</summary>
public enum PrimarySide
{
    /// <summary>Neither: the one has let go, the other has not taken over.</summary>
    None = 0,

    /// <summary>The source.</summary>
    Source = 1,

    /// <summary>The target.</summary>
    Target = 2,
}

/// <summary>
/// Derives the writable primary from the phase (FOV-8): since each phase names one side, there is at most one.
/// </summary>
public static class WritablePrimary
{
    /// <summary>
    /// The side that holds the newest term. During an unplanned failover that is none, though a source that was not
    /// reached may go on writing under its old term, which every store refuses (I15).
    /// </summary>
    public static PrimarySide Of(Phase phase) => phase switch
    {
        Phase.FailingOver { Kind: FailoverKind.Planned, Step: FailoverStep.Quiescing } => PrimarySide.Source,
        Phase.FailingBack { Step: FailoverStep.Quiescing } => PrimarySide.Target,
        Phase.FailingOver or Phase.FailingBack or Phase.Cancelling or Phase.ChangingPoint => PrimarySide.None,
        Phase.CommitPending or Phase.Committing or Phase.FailedOver or Phase.ProtectedReverse
            or Phase.Reprotecting { Direction: Direction.ToPrimary } => PrimarySide.Target,
        Phase.Disabling disabling => disabling.Primary,
        Phase.Disabled disabled => disabled.Primary,
        _ => PrimarySide.Source,
    };
}

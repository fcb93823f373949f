using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The names of phases as programs and users see them.</summary>
public static class PhaseName
{
    /// <summary>Returns the name of a phase, such as <c>commit-pending</c>.</summary>
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

/// <summary>The side whose disks accept the machine's writes.</summary>
public enum PrimarySide
{
    /// <summary>Neither side: one has stopped accepting writes, and the other has not taken over.</summary>
    None = 0,

    /// <summary>The source side.</summary>
    Source = 1,

    /// <summary>The target side.</summary>
    Target = 2,
}

/// <summary>
/// Derives the writable primary from the phase (FOV-8). Each phase names one side, so there is at most one primary.
/// </summary>
public static class WritablePrimary
{
    /// <summary>
    /// Returns the side that holds the newest term. During an unplanned failover this is none, although an unreachable
    /// source may keep writing under its old term, which every store refuses (I15).
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

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The names of effects in ids, timers and messages.</summary>
public static class EffectName
{
    /// <summary>Returns the name of an effect kind, such as <c>prepare-failover</c>.</summary>
    public static string Of(EffectKind kind) => kind switch
    {
        EffectKind.CheckPrerequisites => "check-prerequisites",
        EffectKind.AttachSource => "attach-source",
        EffectKind.PrepareTarget => "prepare-target",
        EffectKind.StartInitialReplication => "start-initial-replication",
        EffectKind.FinalizeProtection => "finalize-protection",
        EffectKind.TakeRecoveryPoint => "take-recovery-point",
        EffectKind.PrunePoints => "prune-points",
        EffectKind.PauseReplication => "pause-replication",
        EffectKind.ResumeReplication => "resume-replication",
        EffectKind.StartResync => "start-resync",
        EffectKind.StartTestFailover => "start-test-failover",
        EffectKind.CleanUpTestFailover => "clean-up-test-failover",
        EffectKind.QuiesceSource => "quiesce-source",
        EffectKind.FenceSource => "fence-source",
        EffectKind.PrepareFailover => "prepare-failover",
        EffectKind.SwitchRecoveredPoint => "switch-recovered-point",
        EffectKind.CommitFailover => "commit-failover",
        EffectKind.CancelFailover => "cancel-failover",
        EffectKind.StartReverseReplication => "start-reverse-replication",
        EffectKind.QuiesceTarget => "quiesce-target",
        EffectKind.PromoteSource => "promote-source",
        EffectKind.CommitFailback => "commit-failback",
        EffectKind.StartForwardReplication => "start-forward-replication",
        EffectKind.ReleaseProtection => "release-protection",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "Not an effect."),
    };

    /// <summary>Returns the effect kind with a name; null when there is none.</summary>
    public static EffectKind? Find(string name)
    {
        foreach (var kind in Enum.GetValues<EffectKind>())
        {
            if (string.Equals(Of(kind), name, StringComparison.Ordinal))
            {
                return kind;
            }
        }

        return null;
    }
}

using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Persistence.Serialization;

/// <summary>
/// The numbers and texts under which enumerations are stored and shown. They are released: values may be added, never
/// renumbered. 0 is not a value, so that a missing number is detected (except in <see cref="HealthLevel"/>, where it is
/// "normal").
/// </summary>
internal static class StoredEnums
{
    private static readonly Dictionary<Type, StoredEnum> ByType = new[]
    {
        new StoredEnum(
            typeof(EffectKind),
            new(EffectKind.CheckPrerequisites, 1, "EFFECT_KIND_CHECK_PREREQUISITES"),
            new(EffectKind.AttachSource, 2, "EFFECT_KIND_ATTACH_SOURCE"),
            new(EffectKind.PrepareTarget, 3, "EFFECT_KIND_PREPARE_TARGET"),
            new(EffectKind.StartInitialReplication, 4, "EFFECT_KIND_START_INITIAL_REPLICATION"),
            new(EffectKind.FinalizeProtection, 5, "EFFECT_KIND_FINALIZE_PROTECTION"),
            new(EffectKind.TakeRecoveryPoint, 6, "EFFECT_KIND_TAKE_RECOVERY_POINT"),
            new(EffectKind.PrunePoints, 7, "EFFECT_KIND_PRUNE_POINTS"),
            new(EffectKind.PauseReplication, 8, "EFFECT_KIND_PAUSE_REPLICATION"),
            new(EffectKind.ResumeReplication, 9, "EFFECT_KIND_RESUME_REPLICATION"),
            new(EffectKind.StartResync, 10, "EFFECT_KIND_START_RESYNC"),
            new(EffectKind.StartTestFailover, 11, "EFFECT_KIND_START_TEST_FAILOVER"),
            new(EffectKind.CleanUpTestFailover, 12, "EFFECT_KIND_CLEAN_UP_TEST_FAILOVER"),
            new(EffectKind.QuiesceSource, 13, "EFFECT_KIND_QUIESCE_SOURCE"),
            new(EffectKind.FenceSource, 14, "EFFECT_KIND_FENCE_SOURCE"),
            new(EffectKind.PrepareFailover, 15, "EFFECT_KIND_PREPARE_FAILOVER"),
            new(EffectKind.SwitchRecoveredPoint, 16, "EFFECT_KIND_SWITCH_RECOVERED_POINT"),
            new(EffectKind.CommitFailover, 17, "EFFECT_KIND_COMMIT_FAILOVER"),
            new(EffectKind.CancelFailover, 18, "EFFECT_KIND_CANCEL_FAILOVER"),
            new(EffectKind.StartReverseReplication, 19, "EFFECT_KIND_START_REVERSE_REPLICATION"),
            new(EffectKind.QuiesceTarget, 20, "EFFECT_KIND_QUIESCE_TARGET"),
            new(EffectKind.PromoteSource, 21, "EFFECT_KIND_PROMOTE_SOURCE"),
            new(EffectKind.CommitFailback, 22, "EFFECT_KIND_COMMIT_FAILBACK"),
            new(EffectKind.StartForwardReplication, 23, "EFFECT_KIND_START_FORWARD_REPLICATION"),
            new(EffectKind.ReleaseProtection, 24, "EFFECT_KIND_RELEASE_PROTECTION")),
        new StoredEnum(
            typeof(ErrorClass),
            new(ErrorClass.Recoverable, 1, "ERROR_CLASS_RECOVERABLE"),
            new(ErrorClass.NonRecoverable, 2, "ERROR_CLASS_NON_RECOVERABLE")),
        new StoredEnum(
            typeof(Direction),
            new(Direction.ToRecovery, 1, "DIRECTION_TO_RECOVERY"),
            new(Direction.ToPrimary, 2, "DIRECTION_TO_PRIMARY")),
        new StoredEnum(
            typeof(FailoverKind),
            new(FailoverKind.Planned, 1, "FAILOVER_KIND_PLANNED"),
            new(FailoverKind.Unplanned, 2, "FAILOVER_KIND_UNPLANNED")),
        new StoredEnum(
            typeof(ResyncReason),
            new(ResyncReason.TransferFailed, 1, "RESYNC_REASON_TRANSFER_FAILED"),
            new(ResyncReason.ForcedShutdown, 2, "RESYNC_REASON_FORCED_SHUTDOWN"),
            new(ResyncReason.ConfigurationChanged, 3, "RESYNC_REASON_CONFIGURATION_CHANGED"),
            new(ResyncReason.LogHalfOfDisk, 4, "RESYNC_REASON_LOG_HALF_OF_DISK"),
            new(ResyncReason.PauseOutgrewLog, 5, "RESYNC_REASON_PAUSE_OUTGREW_LOG"),
            new(ResyncReason.DiskResized, 6, "RESYNC_REASON_DISK_RESIZED"),
            new(ResyncReason.DirtyMap, 7, "RESYNC_REASON_DIRTY_MAP"),
            new(ResyncReason.UserRequest, 8, "RESYNC_REASON_USER_REQUEST"),
            new(ResyncReason.ChangedOutside, 9, "RESYNC_REASON_CHANGED_OUTSIDE"),
            new(ResyncReason.HistoryForked, 10, "RESYNC_REASON_HISTORY_FORKED")),
        new StoredEnum(
            typeof(PointKind),
            new(PointKind.Crash, 1, "POINT_KIND_CRASH"),
            new(PointKind.App, 2, "POINT_KIND_APPLICATION")),
        new StoredEnum(
            typeof(PointGrade),
            new(PointGrade.Received, 1, "POINT_GRADE_RECEIVED"),
            new(PointGrade.DigestMatched, 2, "POINT_GRADE_DIGEST_MATCHED"),
            new(PointGrade.FileSystemClean, 3, "POINT_GRADE_FILE_SYSTEM_CLEAN"),
            new(PointGrade.Booted, 4, "POINT_GRADE_BOOTED"),
            new(PointGrade.Probed, 5, "POINT_GRADE_PROBED")),
        new StoredEnum(
            typeof(HealthKind),
            new(HealthKind.RecoverableError, 1, "HEALTH_KIND_RECOVERABLE_ERROR"),
            new(HealthKind.NonRecoverableError, 2, "HEALTH_KIND_NON_RECOVERABLE_ERROR"),
            new(HealthKind.RpoExceeded, 3, "HEALTH_KIND_RPO_EXCEEDED"),
            new(HealthKind.NoRecentPoint, 4, "HEALTH_KIND_NO_RECENT_POINT"),
            new(HealthKind.CacheFull, 5, "HEALTH_KIND_CACHE_FULL"),
            new(HealthKind.SourceFenced, 6, "HEALTH_KIND_SOURCE_FENCED"),
            new(HealthKind.PointUnusable, 7, "HEALTH_KIND_POINT_UNUSABLE"),
            new(HealthKind.AgentDisconnected, 8, "HEALTH_KIND_AGENT_DISCONNECTED"),
            new(HealthKind.TargetStoreCorrupt, 9, "HEALTH_KIND_TARGET_STORE_CORRUPT"),
            new(HealthKind.AppConsistencyFailed, 10, "HEALTH_KIND_APP_CONSISTENCY_FAILED"),
            new(HealthKind.ResyncRequired, 11, "HEALTH_KIND_RESYNC_REQUIRED"),
            new(HealthKind.OperationFailed, 12, "HEALTH_KIND_OPERATION_FAILED"),
            new(HealthKind.SourceNotServed, 13, "HEALTH_KIND_SOURCE_NOT_SERVED"),
            new(HealthKind.NotProtected, 14, "HEALTH_KIND_NOT_PROTECTED"),
            new(HealthKind.TargetFull, 15, "HEALTH_KIND_TARGET_FULL"),
            new(HealthKind.ClockOffset, 16, "HEALTH_KIND_CLOCK_OFFSET"),
            new(HealthKind.NoHooks, 17, "HEALTH_KIND_NO_HOOKS"),
            new(HealthKind.ReplicationPaused, 18, "HEALTH_KIND_REPLICATION_PAUSED"),
            new(HealthKind.ReplicationStalled, 19, "HEALTH_KIND_REPLICATION_STALLED")),
        new StoredEnum(
            typeof(RecoveredAs),
            new(RecoveredAs.InitialReplication, 1, "RECOVERED_AS_INITIAL_REPLICATION"),
            new(RecoveredAs.Protected, 2, "RECOVERED_AS_PROTECTED"),
            new(RecoveredAs.CommitPending, 3, "RECOVERED_AS_COMMIT_PENDING"),
            new(RecoveredAs.FailedOver, 4, "RECOVERED_AS_FAILED_OVER"),
            new(RecoveredAs.FailbackCommitPending, 5, "RECOVERED_AS_FAILBACK_COMMIT_PENDING"),
            new(RecoveredAs.FailedBack, 6, "RECOVERED_AS_FAILED_BACK"),
            new(RecoveredAs.Disabled, 7, "RECOVERED_AS_DISABLED"),
            new(RecoveredAs.DisabledAtTarget, 8, "RECOVERED_AS_DISABLED_AT_TARGET"),
            new(RecoveredAs.Reprotecting, 9, "RECOVERED_AS_REPROTECTING")),
        new StoredEnum(
            typeof(AutoResync),
            new(AutoResync.InWindow, 1, "AUTO_RESYNC_IN_WINDOW"),
            new(AutoResync.Immediately, 2, "AUTO_RESYNC_IMMEDIATELY")),
        new StoredEnum(
            typeof(HealthLevel),
            new(HealthLevel.Normal, 0, "HEALTH_LEVEL_NORMAL"),
            new(HealthLevel.Warning, 1, "HEALTH_LEVEL_WARNING"),
            new(HealthLevel.Critical, 2, "HEALTH_LEVEL_CRITICAL")),
        new StoredEnum(
            typeof(PointChoiceKind),
            new(PointChoiceKind.Latest, 1, "POINT_CHOICE_LATEST"),
            new(PointChoiceKind.LatestProcessed, 2, "POINT_CHOICE_LATEST_PROCESSED"),
            new(PointChoiceKind.LatestAppConsistent, 3, "POINT_CHOICE_LATEST_APP_CONSISTENT"),
            new(PointChoiceKind.Specific, 4, "POINT_CHOICE_SPECIFIC")),
        new StoredEnum(
            typeof(EffectResultKind),
            new(EffectResultKind.Done, 1, "EFFECT_RESULT_DONE"),
            new(EffectResultKind.PrerequisitesMet, 2, "EFFECT_RESULT_PREREQUISITES_MET"),
            new(EffectResultKind.Quiesced, 3, "EFFECT_RESULT_QUIESCED"),
            new(EffectResultKind.FailoverReady, 4, "EFFECT_RESULT_FAILOVER_READY"),
            new(EffectResultKind.TestFailoverReady, 5, "EFFECT_RESULT_TEST_FAILOVER_READY")),
    }.ToDictionary(values => values.Type);

    /// <summary>The tables of all enumerations.</summary>
    public static IEnumerable<StoredEnum> All => ByType.Values;

    /// <summary>Returns the table of an enumeration.</summary>
    /// <exception cref="InvalidOperationException">The enumeration has no table.</exception>
    public static StoredEnum Of(Type type) => ByType.TryGetValue(type, out var values)
        ? values
        : throw new InvalidOperationException($"Enumeration {type} has no table of stored numbers.");
}

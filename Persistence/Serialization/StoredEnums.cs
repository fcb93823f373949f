using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization;

/// <summary>
/// The numbers and texts under which enumerations are stored and shown. They are released: a value is added, never
/// renumbered. 0 is no value, so that a number that is missing is found (but in <see cref="HealthLevel"/>, where it is
/// "normal").
/// </summary>
internal static class StoredEnums
{
    private static readonly Dictionary<Type, StoredEnum> ByType = new[]
    {
        StoredEnum.Of(
            (EffectKind.CheckPrerequisites, 1, "EFFECT_KIND_CHECK_PREREQUISITES"),
            (EffectKind.AttachSource, 2, "EFFECT_KIND_ATTACH_SOURCE"),
            (EffectKind.PrepareTarget, 3, "EFFECT_KIND_PREPARE_TARGET"),
            (EffectKind.StartInitialReplication, 4, "EFFECT_KIND_START_INITIAL_REPLICATION"),
            (EffectKind.FinalizeProtection, 5, "EFFECT_KIND_FINALIZE_PROTECTION"),
            (EffectKind.TakeRecoveryPoint, 6, "EFFECT_KIND_TAKE_RECOVERY_POINT"),
            (EffectKind.PrunePoints, 7, "EFFECT_KIND_PRUNE_POINTS"),
            (EffectKind.PauseReplication, 8, "EFFECT_KIND_PAUSE_REPLICATION"),
            (EffectKind.ResumeReplication, 9, "EFFECT_KIND_RESUME_REPLICATION"),
            (EffectKind.StartResync, 10, "EFFECT_KIND_START_RESYNC"),
            (EffectKind.StartTestFailover, 11, "EFFECT_KIND_START_TEST_FAILOVER"),
            (EffectKind.CleanUpTestFailover, 12, "EFFECT_KIND_CLEAN_UP_TEST_FAILOVER"),
            (EffectKind.QuiesceSource, 13, "EFFECT_KIND_QUIESCE_SOURCE"),
            (EffectKind.FenceSource, 14, "EFFECT_KIND_FENCE_SOURCE"),
            (EffectKind.PrepareFailover, 15, "EFFECT_KIND_PREPARE_FAILOVER"),
            (EffectKind.SwitchRecoveredPoint, 16, "EFFECT_KIND_SWITCH_RECOVERED_POINT"),
            (EffectKind.CommitFailover, 17, "EFFECT_KIND_COMMIT_FAILOVER"),
            (EffectKind.CancelFailover, 18, "EFFECT_KIND_CANCEL_FAILOVER"),
            (EffectKind.StartReverseReplication, 19, "EFFECT_KIND_START_REVERSE_REPLICATION"),
            (EffectKind.QuiesceTarget, 20, "EFFECT_KIND_QUIESCE_TARGET"),
            (EffectKind.PromoteSource, 21, "EFFECT_KIND_PROMOTE_SOURCE"),
            (EffectKind.CommitFailback, 22, "EFFECT_KIND_COMMIT_FAILBACK"),
            (EffectKind.StartForwardReplication, 23, "EFFECT_KIND_START_FORWARD_REPLICATION"),
            (EffectKind.ReleaseProtection, 24, "EFFECT_KIND_RELEASE_PROTECTION")),
        StoredEnum.Of(
            (ErrorClass.Recoverable, 1, "ERROR_CLASS_RECOVERABLE"),
            (ErrorClass.NonRecoverable, 2, "ERROR_CLASS_NON_RECOVERABLE")),
        StoredEnum.Of(
            (Direction.ToRecovery, 1, "DIRECTION_TO_RECOVERY"),
            (Direction.ToPrimary, 2, "DIRECTION_TO_PRIMARY")),
        StoredEnum.Of(
            (FailoverKind.Planned, 1, "FAILOVER_KIND_PLANNED"),
            (FailoverKind.Unplanned, 2, "FAILOVER_KIND_UNPLANNED")),
        StoredEnum.Of(
            (ResyncReason.TransferFailed, 1, "RESYNC_REASON_TRANSFER_FAILED"),
            (ResyncReason.ForcedShutdown, 2, "RESYNC_REASON_FORCED_SHUTDOWN"),
            (ResyncReason.ConfigurationChanged, 3, "RESYNC_REASON_CONFIGURATION_CHANGED"),
            (ResyncReason.LogHalfOfDisk, 4, "RESYNC_REASON_LOG_HALF_OF_DISK"),
            (ResyncReason.PauseOutgrewLog, 5, "RESYNC_REASON_PAUSE_OUTGREW_LOG"),
            (ResyncReason.DiskResized, 6, "RESYNC_REASON_DISK_RESIZED"),
            (ResyncReason.DirtyMap, 7, "RESYNC_REASON_DIRTY_MAP"),
            (ResyncReason.UserRequest, 8, "RESYNC_REASON_USER_REQUEST"),
            (ResyncReason.ChangedOutside, 9, "RESYNC_REASON_CHANGED_OUTSIDE"),
            (ResyncReason.HistoryForked, 10, "RESYNC_REASON_HISTORY_FORKED")),
        StoredEnum.Of(
            (PointKind.Crash, 1, "POINT_KIND_CRASH"),
            (PointKind.Application, 2, "POINT_KIND_APPLICATION")),
        StoredEnum.Of(
            (PointGrade.Received, 1, "POINT_GRADE_RECEIVED"),
            (PointGrade.DigestMatched, 2, "POINT_GRADE_DIGEST_MATCHED"),
            (PointGrade.FileSystemClean, 3, "POINT_GRADE_FILE_SYSTEM_CLEAN"),
            (PointGrade.Booted, 4, "POINT_GRADE_BOOTED"),
            (PointGrade.Probed, 5, "POINT_GRADE_PROBED")),
        StoredEnum.Of(
            (HealthKind.RecoverableError, 1, "HEALTH_KIND_RECOVERABLE_ERROR"),
            (HealthKind.NonRecoverableError, 2, "HEALTH_KIND_NON_RECOVERABLE_ERROR"),
            (HealthKind.RpoExceeded, 3, "HEALTH_KIND_RPO_EXCEEDED"),
            (HealthKind.NoRecentPoint, 4, "HEALTH_KIND_NO_RECENT_POINT"),
            (HealthKind.CacheFull, 5, "HEALTH_KIND_CACHE_FULL"),
            (HealthKind.SourceFenced, 6, "HEALTH_KIND_SOURCE_FENCED"),
            (HealthKind.PointUnusable, 7, "HEALTH_KIND_POINT_UNUSABLE"),
            (HealthKind.AgentDisconnected, 8, "HEALTH_KIND_AGENT_DISCONNECTED"),
            (HealthKind.TargetStoreCorrupt, 9, "HEALTH_KIND_TARGET_STORE_CORRUPT"),
            (HealthKind.AppConsistencyFailed, 10, "HEALTH_KIND_APP_CONSISTENCY_FAILED"),
            (HealthKind.ResyncRequired, 11, "HEALTH_KIND_RESYNC_REQUIRED"),
            (HealthKind.OperationFailed, 12, "HEALTH_KIND_OPERATION_FAILED"),
            (HealthKind.SourceNotServed, 13, "HEALTH_KIND_SOURCE_NOT_SERVED"),
            (HealthKind.NotProtected, 14, "HEALTH_KIND_NOT_PROTECTED"),
            (HealthKind.TargetFull, 15, "HEALTH_KIND_TARGET_FULL"),
            (HealthKind.ClockOffset, 16, "HEALTH_KIND_CLOCK_OFFSET"),
            (HealthKind.NoHooks, 17, "HEALTH_KIND_NO_HOOKS"),
            (HealthKind.ReplicationPaused, 18, "HEALTH_KIND_REPLICATION_PAUSED"),
            (HealthKind.ReplicationStalled, 19, "HEALTH_KIND_REPLICATION_STALLED")),
        StoredEnum.Of(
            (RecoveredAs.InitialReplication, 1, "RECOVERED_AS_INITIAL_REPLICATION"),
            (RecoveredAs.Protected, 2, "RECOVERED_AS_PROTECTED"),
            (RecoveredAs.CommitPending, 3, "RECOVERED_AS_COMMIT_PENDING"),
            (RecoveredAs.FailedOver, 4, "RECOVERED_AS_FAILED_OVER"),
            (RecoveredAs.FailbackCommitPending, 5, "RECOVERED_AS_FAILBACK_COMMIT_PENDING"),
            (RecoveredAs.FailedBack, 6, "RECOVERED_AS_FAILED_BACK"),
            (RecoveredAs.Disabled, 7, "RECOVERED_AS_DISABLED"),
            (RecoveredAs.DisabledAtTarget, 8, "RECOVERED_AS_DISABLED_AT_TARGET"),
            (RecoveredAs.Reprotecting, 9, "RECOVERED_AS_REPROTECTING")),
        StoredEnum.Of(
            (AutoResync.InWindow, 1, "AUTO_RESYNC_IN_WINDOW"),
            (AutoResync.Immediately, 2, "AUTO_RESYNC_IMMEDIATELY")),
        StoredEnum.Of(
            (HealthLevel.Normal, 0, "HEALTH_LEVEL_NORMAL"),
            (HealthLevel.Warning, 1, "HEALTH_LEVEL_WARNING"),
            (HealthLevel.Critical, 2, "HEALTH_LEVEL_CRITICAL")),
        StoredEnum.Of(
            (PointChoiceKind.Latest, 1, "POINT_CHOICE_LATEST"),
            (PointChoiceKind.LatestProcessed, 2, "POINT_CHOICE_LATEST_PROCESSED"),
            (PointChoiceKind.LatestAppConsistent, 3, "POINT_CHOICE_LATEST_APP_CONSISTENT"),
            (PointChoiceKind.Specific, 4, "POINT_CHOICE_SPECIFIC")),
        StoredEnum.Of(
            (EffectResultKind.Done, 1, "EFFECT_RESULT_DONE"),
            (EffectResultKind.PrerequisitesMet, 2, "EFFECT_RESULT_PREREQUISITES_MET"),
            (EffectResultKind.Quiesced, 3, "EFFECT_RESULT_QUIESCED"),
            (EffectResultKind.FailoverReady, 4, "EFFECT_RESULT_FAILOVER_READY"),
            (EffectResultKind.TestFailoverReady, 5, "EFFECT_RESULT_TEST_FAILOVER_READY")),
    }.ToDictionary(values => values.Type);

    /// <summary>All tables.</summary>
    public static IEnumerable<StoredEnum> All => ByType.Values;

    /// <summary>The table of an enumeration.</summary>
    /// <exception cref="InvalidOperationException">It has none.</exception>
    public static StoredEnum Of(Type type) => ByType.TryGetValue(type, out var values)
        ? values
        : throw new InvalidOperationException($"Enumeration {type} has no table of stored numbers.");
}

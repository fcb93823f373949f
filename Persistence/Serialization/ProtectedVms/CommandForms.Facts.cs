using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.WireValues;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

internal static partial class CommandForms
{
    private static readonly StoredForm<ProtectedVmCommand>[] Facts =
    [
        V1<RecordEffectSucceeded, Wire.RecordEffectSucceeded>(
            "record-effect-succeeded",
            c => new(c.Effect.Value, To(c.Result)),
            m => new(EffectIdOf(m.Effect), From(m.Result))),
        V1<RecordEffectFailed, Wire.RecordEffectFailed>(
            "record-effect-failed",
            c => new(c.Effect.Value, To(c.Error)),
            m => new(EffectIdOf(m.Effect), From(m.Error))),
        V1<RecordInSync, Wire.RecordInSync>(
            "record-in-sync",
            c => new(c.Direction, c.SentBytes),
            m => new(Needed(m.Direction), m.SentBytes)),
        V1<RecordRecoveryPointSealed, Wire.RecordRecoveryPointSealed>(
            "record-recovery-point-sealed",
            c => new(To(c.Point)),
            m => new(From(m.Point))),
        V1<RecordRecoveryPointSkipped, Wire.RecordRecoveryPointSkipped>(
            "record-recovery-point-skipped",
            c => new(c.Point.Value, c.Reason),
            m => new(PointId(m.Point), Needed(m.Reason))),
        V1<RecordRecoveryPointUnusable, Wire.RecordRecoveryPointUnusable>(
            "record-recovery-point-unusable",
            c => new(c.Point.Value, c.Reason),
            m => new(PointId(m.Point), Needed(m.Reason))),
        V1<RecordRecoveryPointsGraded, Wire.RecordRecoveryPointsGraded>(
            "record-recovery-points-graded",
            c => new(c.Grade, All(c.Points, id => id.Value)),
            m => new(Needed(m.Grade), PointIds(m.Points))),
        V1<RecordResyncNeeded, Wire.RecordResyncNeeded>(
            "record-resync-needed",
            c => new(c.Reason),
            m => new(Needed(m.Reason))),
        V1<RecordResyncStarted, Wire.RecordResyncStarted>(
            "record-resync-started",
            c => new(c.Reason),
            m => new(Needed(m.Reason))),
        V1<RecordResyncCompleted, Wire.RecordResyncCompleted>(
            "record-resync-completed",
            c => new(c.SentBytes),
            m => new(m.SentBytes)),
        V1<RecordResyncFailed, Wire.RecordResyncFailed>(
            "record-resync-failed",
            c => new(To(c.Error)),
            m => new(From(m.Error))),
        V1<RecordReplicationError, Wire.RecordReplicationError>(
            "record-replication-error",
            c => new(To(c.Error)),
            m => new(From(m.Error))),
        V1<RecordReplicationRecovered, Wire.RecordReplicationRecovered>(
            "record-replication-recovered",
            c => new(),
            m => new()),
        V1<RecordLag, Wire.RecordLag>("record-lag", c => new(c.Lag, c.Bytes), m => new(Needed(m.Lag), m.Bytes)),
        V1<RecordSourceFenced, Wire.RecordSourceFenced>(
            "record-source-fenced",
            c => new(c.DivergentBytes),
            m => new(m.DivergentBytes)),
        V1<RecordDirtyMapModeEntered, Wire.RecordDirtyMapModeEntered>(
            "record-dirty-map-mode-entered",
            c => new(c.Reason),
            m => new(Needed(m.Reason))),
        V1<RecordDirtyMapModeLeft, Wire.RecordDirtyMapModeLeft>("record-dirty-map-mode-left", c => new(), m => new()),
        V1<RecordDiskResized, Wire.RecordDiskResized>(
            "record-disk-resized",
            c => new(c.Path, c.SizeBytes),
            m => new(Needed(m.Path), m.SizeBytes)),
        V1<RecordAgentConnected, Wire.RecordAgentConnected>("record-agent-connected", c => new(), m => new()),
        V1<RecordAgentDisconnected, Wire.RecordAgentDisconnected>(
            "record-agent-disconnected",
            c => new(c.Reason),
            m => new(Needed(m.Reason))),
        V1<RecordHealthCause, Wire.RecordHealthCause>(
            "record-health-cause",
            c => new(To(c.Cause)),
            m => new(From(m.Cause))),
        V1<RecordHealthRestored, Wire.RecordHealthRestored>(
            "record-health-restored",
            c => new(c.Kind),
            m => new(Needed(m.Kind))),
        V1<RecordTargetStoreCorrupt, Wire.RecordTargetStoreCorrupt>(
            "record-target-store-corrupt",
            c => new(c.Message, c.Remedy),
            m => new(Needed(m.Message), Needed(m.Remedy))),
        V1<RecordTargetStoreRepaired, Wire.RecordTargetStoreRepaired>(
            "record-target-store-repaired",
            c => new(),
            m => new()),
    ];
}

using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.WireValues;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

internal static partial class EventForms
{
    private static readonly StoredForm<ProtectedVmEvent>[] Replication =
    [
        V1<ReplicationPaused, Wire.ReplicationPaused>(
            "replication-paused",
            e => new(At(e.At), e.By),
            m => new(Time(m.At), Needed(m.By))),
        V1<ReplicationResumed, Wire.ReplicationResumed>(
            "replication-resumed",
            e => new(At(e.At), e.By),
            m => new(Time(m.At), Needed(m.By))),
        V1<ResyncMarked, Wire.ResyncMarked>(
            "resync-marked",
            e => new(At(e.At), [.. e.Reasons], AtOrNone(e.StartsAt)),
            m => new(Time(m.At), All(m.Reasons), TimeOrNone(m.StartsAt))),
        V1<ResyncStarted, Wire.ResyncStarted>(
            "resync-started",
            e => new(At(e.At), e.By, [.. e.Reasons], e.Ordered),
            m => new(Time(m.At), Needed(m.By), All(m.Reasons), m.Ordered)),
        V1<ResyncCompleted, Wire.ResyncCompleted>(
            "resync-completed",
            e => new(At(e.At), e.SentBytes),
            m => new(Time(m.At), m.SentBytes)),
        V1<ReplicationFaulted, Wire.ReplicationFaulted>(
            "replication-faulted",
            e => new(At(e.At), To(e.Error), e.Failures, AtOrNone(e.RetryAt)),
            m => new(Time(m.At), From(m.Error), m.Failures, TimeOrNone(m.RetryAt))),
        V1<ReplicationRetried, Wire.ReplicationRetried>(
            "replication-retried",
            e => new(At(e.At), e.By),
            m => new(Time(m.At), Needed(m.By))),
        V1<ReplicationRecovered, Wire.ReplicationRecovered>(
            "replication-recovered",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        V1<DiskResized, Wire.DiskResized>(
            "disk-resized",
            e => new(At(e.At), To(e.Disk)),
            m => new(Time(m.At), From(m.Disk))),
        V1<HealthCauseRaised, Wire.HealthCauseRaised>(
            "health-cause-raised",
            e => new(At(e.At), To(e.Cause)),
            m => new(Time(m.At), From(m.Cause))),
        V1<HealthCauseCleared, Wire.HealthCauseCleared>(
            "health-cause-cleared",
            e => new(At(e.At), e.Kind),
            m => new(Time(m.At), Needed(m.Kind))),
        V1<RecoveryPointRequested, Wire.RecoveryPointRequested>(
            "recovery-point-requested",
            e => new(At(e.At), e.By, e.Point.Value, e.Kind),
            m => new(Time(m.At), Needed(m.By), PointId(m.Point), Needed(m.Kind))),
        V1<RecoveryPointSealed, Wire.RecoveryPointSealed>(
            "recovery-point-sealed",
            e => new(At(e.At), To(e.Point), e.Warning, To(e.Steady)),
            m => new(Time(m.At), From(m.Point), m.Warning) { Steady = From(m.Steady) }),
        V1<RecoveryPointSkipped, Wire.RecoveryPointSkipped>(
            "recovery-point-skipped",
            e => new(At(e.At), e.Point.Value, e.Reason),
            m => new(Time(m.At), PointId(m.Point), Needed(m.Reason))),
        V1<RecoveryPointMarkedUnusable, Wire.RecoveryPointMarkedUnusable>(
            "recovery-point-marked-unusable",
            e => new(At(e.At), e.Point.Value, e.Reason),
            m => new(Time(m.At), PointId(m.Point), Needed(m.Reason))),
        V1<RecoveryPointsGraded, Wire.RecoveryPointsGraded>(
            "recovery-points-graded",
            e => new(At(e.At), e.Grade, All(e.Points, id => id.Value)),
            m => new(Time(m.At), Needed(m.Grade), PointIds(m.Points))),
        V1<RecoveryPointsExpired, Wire.RecoveryPointsExpired>(
            "recovery-points-expired",
            e => new(At(e.At), All(e.Points, id => id.Value)),
            m => new(Time(m.At), PointIds(m.Points))),
    ];
}

using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.WireValues;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

internal static partial class EventForms
{
    private static readonly EventForm[] Replication =
    [
        EventForm.V1<ReplicationPaused, Wire.ReplicationPaused>(
            "replication-paused",
            e => new() { At = At(e.At), By = e.By },
            m => new(Time(m.At), m.By)),
        EventForm.V1<ReplicationResumed, Wire.ReplicationResumed>(
            "replication-resumed",
            e => new() { At = At(e.At), By = e.By },
            m => new(Time(m.At), m.By)),
        EventForm.V1<ResyncMarked, Wire.ResyncMarked>(
            "resync-marked",
            e => new()
            {
                At = At(e.At), Reasons = { e.Reasons.Select(reason => (Wire.ResyncReason)reason) },
                StartsAt = AtOrNone(e.StartsAt),
            },
            m => new(Time(m.At), Reasons(m.Reasons), TimeOrNone(m.StartsAt))),
        EventForm.V1<ResyncStarted, Wire.ResyncStarted>(
            "resync-started",
            e => new()
            {
                At = At(e.At), By = e.By, Reasons = { e.Reasons.Select(reason => (Wire.ResyncReason)reason) },
                Ordered = e.Ordered,
            },
            m => new(Time(m.At), m.By, Reasons(m.Reasons), m.Ordered)),
        EventForm.V1<ResyncCompleted, Wire.ResyncCompleted>(
            "resync-completed",
            e => new() { At = At(e.At), SentBytes = e.SentBytes },
            m => new(Time(m.At), m.SentBytes)),
        EventForm.V1<ReplicationFaulted, Wire.ReplicationFaulted>(
            "replication-faulted",
            e => new() { At = At(e.At), Error = To(e.Error), Failures = e.Failures, RetryAt = AtOrNone(e.RetryAt) },
            m => new(Time(m.At), From(m.Error), m.Failures, TimeOrNone(m.RetryAt))),
        EventForm.V1<ReplicationRetried, Wire.ReplicationRetried>(
            "replication-retried",
            e => new() { At = At(e.At), By = e.By },
            m => new(Time(m.At), m.By)),
        EventForm.V1<ReplicationRecovered, Wire.ReplicationRecovered>(
            "replication-recovered",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<DiskResized, Wire.DiskResized>(
            "disk-resized",
            e => new() { At = At(e.At), Disk = To(e.Disk) },
            m => new(Time(m.At), From(m.Disk))),
        EventForm.V1<HealthCauseRaised, Wire.HealthCauseRaised>(
            "health-cause-raised",
            e => new() { At = At(e.At), Cause = To(e.Cause) },
            m => new(Time(m.At), From(m.Cause))),
        EventForm.V1<HealthCauseCleared, Wire.HealthCauseCleared>(
            "health-cause-cleared",
            e => new() { At = At(e.At), Kind = (Wire.HealthKind)e.Kind },
            m => new(Time(m.At), Known((HealthKind)m.Kind))),
        EventForm.V1<RecoveryPointRequested, Wire.RecoveryPointRequested>(
            "recovery-point-requested",
            e => new() { At = At(e.At), By = e.By, Point = e.Point.ToString(), Kind = (Wire.PointKind)e.Kind },
            m => new(Time(m.At), m.By, PointId(m.Point), Known((PointKind)m.Kind))),
        EventForm.V1<RecoveryPointSealed, Wire.RecoveryPointSealed>(
            "recovery-point-sealed",
            e =>
            {
                var message = new Wire.RecoveryPointSealed { At = At(e.At), Point = To(e.Point) };
                if (e.Warning is { } warning)
                {
                    message.Warning = warning;
                }

                if (e.Steady is { } steady)
                {
                    message.Steady = new() { Life = At(steady.Life), At = At(steady.At) };
                }

                return message;
            },
            m => new(Time(m.At), From(m.Point), m.HasWarning ? m.Warning : null)
            {
                Steady = m.Steady is { } steady ? new SteadyInstant(Time(steady.Life), Time(steady.At)) : null,
            }),
        EventForm.V1<RecoveryPointSkipped, Wire.RecoveryPointSkipped>(
            "recovery-point-skipped",
            e => new() { At = At(e.At), Point = e.Point.ToString(), Reason = e.Reason },
            m => new(Time(m.At), PointId(m.Point), m.Reason)),
        EventForm.V1<RecoveryPointMarkedUnusable, Wire.RecoveryPointMarkedUnusable>(
            "recovery-point-marked-unusable",
            e => new() { At = At(e.At), Point = e.Point.ToString(), Reason = e.Reason },
            m => new(Time(m.At), PointId(m.Point), m.Reason)),
        EventForm.V1<RecoveryPointsGraded, Wire.RecoveryPointsGraded>(
            "recovery-points-graded",
            e => new()
            {
                At = At(e.At), Grade = (Wire.PointGrade)e.Grade, Points = { e.Points.Select(id => id.ToString()) },
            },
            m => new(Time(m.At), Known((PointGrade)m.Grade), m.Points.Select(PointId).ToValueList())),
        EventForm.V1<RecoveryPointsExpired, Wire.RecoveryPointsExpired>(
            "recovery-points-expired",
            e => new() { At = At(e.At), Points = { e.Points.Select(id => id.ToString()) } },
            m => new(Time(m.At), m.Points.Select(PointId).ToValueList())),
    ];
}

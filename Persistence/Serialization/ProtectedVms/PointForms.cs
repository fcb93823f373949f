using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of recovery points: events, commands and their contracts.</summary>
internal static class PointForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<RecoveryPointRequested, RecoveryPointRequestedV1>(
            "recovery-point-requested.v1",
            e => new(At(e.At), e.By, e.Point.Value, e.Kind),
            m => new(Time(m.At), Needed(m.By), PointId(m.Point), Needed(m.Kind))),
        Event<RecoveryPointSealed, RecoveryPointSealedV1>(
            "recovery-point-sealed.v1",
            e => new(At(e.At), To(e.Point), e.Warning, To(e.Steady)),
            m => new(Time(m.At), From(m.Point), m.Warning) { Steady = From(m.Steady) }),
        Event<RecoveryPointSkipped, RecoveryPointSkippedV1>(
            "recovery-point-skipped.v1",
            e => new(At(e.At), e.Point.Value, e.Reason),
            m => new(Time(m.At), PointId(m.Point), Needed(m.Reason))),
        Event<RecoveryPointMarkedUnusable, RecoveryPointMarkedUnusableV1>(
            "recovery-point-marked-unusable.v1",
            e => new(At(e.At), e.Point.Value, e.Reason),
            m => new(Time(m.At), PointId(m.Point), Needed(m.Reason))),
        Event<RecoveryPointsGraded, RecoveryPointsGradedV1>(
            "recovery-points-graded.v1",
            e => new(At(e.At), e.Grade, All(e.Points, id => id.Value)),
            m => new(Time(m.At), Needed(m.Grade), PointIds(m.Points))),
        Event<RecoveryPointHeld, RecoveryPointHeldV1>(
            "recovery-point-held.v1",
            e => new(At(e.At), e.By, e.Point.Value),
            m => new(Time(m.At), Needed(m.By), PointId(m.Point))),
        Event<RecoveryPointReleased, RecoveryPointReleasedV1>(
            "recovery-point-released.v1",
            e => new(At(e.At), e.By, e.Point.Value),
            m => new(Time(m.At), Needed(m.By), PointId(m.Point))),
        Event<RecoveryPointsExpired, RecoveryPointsExpiredV1>(
            "recovery-points-expired.v1",
            e => new(At(e.At), All(e.Points, id => id.Value)),
            m => new(Time(m.At), PointIds(m.Points))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<MakeRecoveryPoint, MakeRecoveryPointV1>(
            "make-recovery-point.v1",
            c => new(c.Kind, c.AgentHasHooks),
            m => new(Needed(m.Kind), m.AgentHasHooks)),
        Command<HoldRecoveryPoint, HoldRecoveryPointV1>(
            "hold-recovery-point.v1",
            c => new(c.Point.Value),
            m => new(PointId(m.Point))),
        Command<ReleaseRecoveryPoint, ReleaseRecoveryPointV1>(
            "release-recovery-point.v1",
            c => new(c.Point.Value),
            m => new(PointId(m.Point))),
        Command<RecordRecoveryPointSealed, RecordRecoveryPointSealedV1>(
            "record-recovery-point-sealed.v1",
            c => new(To(c.Point)),
            m => new(From(m.Point))),
        Command<RecordRecoveryPointSkipped, RecordRecoveryPointSkippedV1>(
            "record-recovery-point-skipped.v1",
            c => new(c.Point.Value, c.Reason),
            m => new(PointId(m.Point), Needed(m.Reason))),
        Command<RecordRecoveryPointUnusable, RecordRecoveryPointUnusableV1>(
            "record-recovery-point-unusable.v1",
            c => new(c.Point.Value, c.Reason),
            m => new(PointId(m.Point), Needed(m.Reason))),
        Command<RecordRecoveryPointsGraded, RecordRecoveryPointsGradedV1>(
            "record-recovery-points-graded.v1",
            c => new(c.Grade, All(c.Points, id => id.Value)),
            m => new(Needed(m.Grade), PointIds(m.Points))),
    ];
}

[MessagePackObject]
internal sealed record RecoveryPointRequestedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Guid? Point,
    [property: Key(3)] PointKind? Kind);

[MessagePackObject]
internal sealed record RecoveryPointSealedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] RecoveryPointV1? Point, [property: Key(2)] string? Warning,
    [property: Key(3)] SteadyInstantV1? Steady);

[MessagePackObject]
internal sealed record RecoveryPointSkippedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] Guid? Point, [property: Key(2)] string? Reason);

[MessagePackObject]
internal sealed record RecoveryPointMarkedUnusableV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] Guid? Point, [property: Key(2)] string? Reason);

[MessagePackObject]
internal sealed record RecoveryPointsGradedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] PointGrade? Grade, [property: Key(2)] Guid[]? Points);

[MessagePackObject]
internal sealed record RecoveryPointHeldV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Guid? Point);

[MessagePackObject]
internal sealed record RecoveryPointReleasedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Guid? Point);

[MessagePackObject]
internal sealed record RecoveryPointsExpiredV1([property: Key(0)] DateTime? At, [property: Key(1)] Guid[]? Points);

[MessagePackObject]
internal sealed record MakeRecoveryPointV1([property: Key(0)] PointKind? Kind, [property: Key(1)] bool? AgentHasHooks);

[MessagePackObject]
internal sealed record HoldRecoveryPointV1([property: Key(0)] Guid? Point);

[MessagePackObject]
internal sealed record ReleaseRecoveryPointV1([property: Key(0)] Guid? Point);

[MessagePackObject]
internal sealed record RecordRecoveryPointSealedV1([property: Key(0)] RecoveryPointV1? Point);

[MessagePackObject]
internal sealed record RecordRecoveryPointSkippedV1([property: Key(0)] Guid? Point, [property: Key(1)] string? Reason);

[MessagePackObject]
internal sealed record RecordRecoveryPointUnusableV1([property: Key(0)] Guid? Point, [property: Key(1)] string? Reason);

[MessagePackObject]
internal sealed record RecordRecoveryPointsGradedV1(
    [property: Key(0)] PointGrade? Grade, [property: Key(1)] Guid[]? Points);

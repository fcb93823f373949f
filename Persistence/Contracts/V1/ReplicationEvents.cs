using MessagePack;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Persistence.Contracts.V1;

[MessagePackObject]
internal sealed record RecoveryPointRequested(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Guid? Point,
    [property: Key(3)] PointKind? Kind);

[MessagePackObject]
internal sealed record RecoveryPointSealed(
    [property: Key(0)] DateTime? At, [property: Key(1)] RecoveryPoint? Point, [property: Key(2)] string? Warning,
    [property: Key(3)] SteadyInstant? Steady);

[MessagePackObject]
internal sealed record RecoveryPointSkipped(
    [property: Key(0)] DateTime? At, [property: Key(1)] Guid? Point, [property: Key(2)] string? Reason);

[MessagePackObject]
internal sealed record RecoveryPointMarkedUnusable(
    [property: Key(0)] DateTime? At, [property: Key(1)] Guid? Point, [property: Key(2)] string? Reason);

[MessagePackObject]
internal sealed record RecoveryPointsGraded(
    [property: Key(0)] DateTime? At, [property: Key(1)] PointGrade? Grade, [property: Key(2)] Guid[]? Points);

[MessagePackObject]
internal sealed record RecoveryPointsExpired([property: Key(0)] DateTime? At, [property: Key(1)] Guid[]? Points);

[MessagePackObject]
internal sealed record ReplicationPaused([property: Key(0)] DateTime? At, [property: Key(1)] string? By);

[MessagePackObject]
internal sealed record ReplicationResumed([property: Key(0)] DateTime? At, [property: Key(1)] string? By);

[MessagePackObject]
internal sealed record ResyncMarked(
    [property: Key(0)] DateTime? At, [property: Key(1)] ResyncReason[]? Reasons, [property: Key(2)] DateTime? StartsAt);

[MessagePackObject]
internal sealed record ResyncStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] ResyncReason[]? Reasons,
    [property: Key(3)] bool Ordered);

[MessagePackObject]
internal sealed record ResyncCompleted([property: Key(0)] DateTime? At, [property: Key(1)] long SentBytes);

[MessagePackObject]
internal sealed record ReplicationFaulted(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectError? Error, [property: Key(2)] int Failures,
    [property: Key(3)] DateTime? RetryAt);

[MessagePackObject]
internal sealed record ReplicationRetried([property: Key(0)] DateTime? At, [property: Key(1)] string? By);

[MessagePackObject]
internal sealed record ReplicationRecovered([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record DiskResized([property: Key(0)] DateTime? At, [property: Key(1)] ProtectedDisk? Disk);

[MessagePackObject]
internal sealed record HealthCauseRaised([property: Key(0)] DateTime? At, [property: Key(1)] HealthCause? Cause);

[MessagePackObject]
internal sealed record HealthCauseCleared([property: Key(0)] DateTime? At, [property: Key(1)] HealthKind? Kind);

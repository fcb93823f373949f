using MessagePack;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Persistence.Contracts.V1;

[MessagePackObject]
internal sealed record RecordEffectSucceeded(
    [property: Key(0)] string? Effect, [property: Key(1)] EffectResult? Result);

[MessagePackObject]
internal sealed record RecordEffectFailed([property: Key(0)] string? Effect, [property: Key(1)] EffectError? Error);

[MessagePackObject]
internal sealed record RecordInSync([property: Key(0)] Direction? Direction, [property: Key(1)] long SentBytes);

[MessagePackObject]
internal sealed record RecordRecoveryPointSealed([property: Key(0)] RecoveryPoint? Point);

[MessagePackObject]
internal sealed record RecordRecoveryPointSkipped([property: Key(0)] Guid? Point, [property: Key(1)] string? Reason);

[MessagePackObject]
internal sealed record RecordRecoveryPointUnusable([property: Key(0)] Guid? Point, [property: Key(1)] string? Reason);

[MessagePackObject]
internal sealed record RecordRecoveryPointsGraded(
    [property: Key(0)] PointGrade? Grade, [property: Key(1)] Guid[]? Points);

[MessagePackObject]
internal sealed record RecordResyncNeeded([property: Key(0)] ResyncReason? Reason);

[MessagePackObject]
internal sealed record RecordResyncStarted([property: Key(0)] ResyncReason? Reason);

[MessagePackObject]
internal sealed record RecordResyncCompleted([property: Key(0)] long SentBytes);

[MessagePackObject]
internal sealed record RecordResyncFailed([property: Key(0)] EffectError? Error);

[MessagePackObject]
internal sealed record RecordReplicationError([property: Key(0)] EffectError? Error);

[MessagePackObject]
internal sealed record RecordReplicationRecovered;

[MessagePackObject]
internal sealed record RecordLag([property: Key(0)] TimeSpan? Lag, [property: Key(1)] long Bytes);

[MessagePackObject]
internal sealed record RecordSourceFenced([property: Key(0)] long DivergentBytes);

[MessagePackObject]
internal sealed record RecordDirtyMapModeEntered([property: Key(0)] string? Reason);

[MessagePackObject]
internal sealed record RecordDirtyMapModeLeft;

[MessagePackObject]
internal sealed record RecordDiskResized([property: Key(0)] string? Path, [property: Key(1)] long SizeBytes);

[MessagePackObject]
internal sealed record RecordAgentConnected;

[MessagePackObject]
internal sealed record RecordAgentDisconnected([property: Key(0)] string? Reason);

[MessagePackObject]
internal sealed record RecordHealthCause([property: Key(0)] HealthCause? Cause);

[MessagePackObject]
internal sealed record RecordHealthRestored([property: Key(0)] HealthKind? Kind);

[MessagePackObject]
internal sealed record RecordTargetStoreCorrupt([property: Key(0)] string? Message, [property: Key(1)] string? Remedy);

[MessagePackObject]
internal sealed record RecordTargetStoreRepaired;

using MessagePack;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Persistence.Contracts.V1;

[MessagePackObject]
internal sealed record ProtectedDisk(
    [property: Key(0)] string? Path, [property: Key(1)] long SizeBytes, [property: Key(2)] string? Identity,
    [property: Key(3)] bool Raw);

[MessagePackObject]
internal sealed record DailyWindow(
    [property: Key(0)] TimeSpan? From, [property: Key(1)] TimeSpan? To, [property: Key(2)] TimeSpan? UtcOffset);

[MessagePackObject]
internal sealed record ReplicationPolicy(
    [property: Key(0)] string? Name, [property: Key(1)] TimeSpan? Retention,
    [property: Key(2)] TimeSpan? AppConsistentEvery, [property: Key(3)] TimeSpan? RpoThreshold,
    [property: Key(4)] AutoResync? AutoResync, [property: Key(5)] DailyWindow? ResyncWindow);

[MessagePackObject]
internal sealed record EffectError(
    [property: Key(0)] ErrorClass? Class, [property: Key(1)] string[]? Reasons, [property: Key(2)] string? Remedy);

[MessagePackObject]
internal sealed record RecoveryPoint(
    [property: Key(0)] Guid? Id, [property: Key(1)] DateTime? Time, [property: Key(2)] PointKind? Kind,
    [property: Key(3)] long Generation, [property: Key(4)] long Lsn, [property: Key(5)] PointGrade? Grade);

[MessagePackObject]
internal sealed record SteadyInstant([property: Key(0)] DateTime? Life, [property: Key(1)] DateTime? At);

[MessagePackObject]
internal sealed record ChosenPoint([property: Key(0)] Guid? Id, [property: Key(1)] bool SealNow);

[MessagePackObject]
internal sealed record Recovery(
    [property: Key(0)] FailoverKind? Kind, [property: Key(1)] Guid? Point, [property: Key(2)] TimeSpan? RpoBound,
    [property: Key(3)] int Exports, [property: Key(4)] DateTime? StartedAt, [property: Key(5)] DateTime? ReadyAt);

[MessagePackObject]
internal sealed record HealthCause(
    [property: Key(0)] HealthKind? Kind, [property: Key(1)] string? Subject, [property: Key(2)] HealthLevel? Level,
    [property: Key(3)] string? Message, [property: Key(4)] string? Remedy, [property: Key(5)] DateTime? Since);

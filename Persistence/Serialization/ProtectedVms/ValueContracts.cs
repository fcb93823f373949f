using MessagePack;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

[MessagePackObject]
internal sealed record ProtectedDiskV1(
    [property: Key(0)] string? Path, [property: Key(1)] long SizeBytes, [property: Key(2)] string? Identity,
    [property: Key(3)] bool Raw);

[MessagePackObject]
internal sealed record DailyWindowV1(
    [property: Key(0)] TimeSpan? From, [property: Key(1)] TimeSpan? To, [property: Key(2)] TimeSpan? UtcOffset);

[MessagePackObject]
internal sealed record ReplicationPolicyV1(
    [property: Key(0)] string? Name, [property: Key(1)] TimeSpan? Retention,
    [property: Key(2)] TimeSpan? AppConsistentEvery, [property: Key(3)] TimeSpan? RpoThreshold,
    [property: Key(4)] AutoResync? AutoResync, [property: Key(5)] DailyWindowV1? ResyncWindow);

[MessagePackObject]
internal sealed record EffectErrorV1(
    [property: Key(0)] ErrorClass? Class, [property: Key(1)] string[]? Reasons, [property: Key(2)] string? Remedy);

[MessagePackObject]
internal sealed record RecoveryPointV1(
    [property: Key(0)] Guid? Id, [property: Key(1)] DateTime? Time, [property: Key(2)] PointKind? Kind,
    [property: Key(3)] long Generation, [property: Key(4)] long Lsn, [property: Key(5)] PointGrade? Grade);

[MessagePackObject]
internal sealed record SteadyInstantV1([property: Key(0)] DateTime? Life, [property: Key(1)] DateTime? At);

[MessagePackObject]
internal sealed record ChosenPointV1([property: Key(0)] Guid? Id, [property: Key(1)] bool SealNow);

[MessagePackObject]
internal sealed record RecoveryV1(
    [property: Key(0)] FailoverKind? Kind, [property: Key(1)] Guid? Point, [property: Key(2)] TimeSpan? RpoBound,
    [property: Key(3)] int Exports, [property: Key(4)] DateTime? StartedAt, [property: Key(5)] DateTime? ReadyAt);

[MessagePackObject]
internal sealed record HealthCauseV1(
    [property: Key(0)] HealthKind? Kind, [property: Key(1)] string? Subject, [property: Key(2)] HealthLevel? Level,
    [property: Key(3)] string? Message, [property: Key(4)] string? Remedy, [property: Key(5)] DateTime? Since);

/// <summary>The cases of <see cref="PointChoiceV1"/>.</summary>
internal enum PointChoiceKind
{
    Latest = 1,
    LatestProcessed = 2,
    LatestAppConsistent = 3,
    Specific = 4,
}

/// <summary>The cases of <see cref="EffectResultV1"/>.</summary>
internal enum EffectResultKind
{
    Done = 1,
    PrerequisitesMet = 2,
    Quiesced = 3,
    FailoverReady = 4,
    TestFailoverReady = 5,
}

/// <summary>
/// The choice of a recovery point. The id is only present with <see cref="PointChoiceKind.Specific"/>.
/// </summary>
[MessagePackObject]
internal sealed record PointChoiceV1([property: Key(0)] PointChoiceKind? Kind, [property: Key(1)] Guid? Id);

/// <summary>The result of an effect. Each case uses some of the members, and the others are nil.</summary>
[MessagePackObject]
internal sealed record EffectResultV1(
    [property: Key(0)] EffectResultKind? Kind,
    [property: Key(1)] ProtectedDiskV1[]? Disks = null,
    [property: Key(2)] long? LastLsn = null,
    [property: Key(3)] bool? ConfirmedByAgent = null,
    [property: Key(4)] RecoveryPointV1? Point = null,
    [property: Key(5)] TimeSpan? RpoBound = null,
    [property: Key(6)] int? Exports = null);

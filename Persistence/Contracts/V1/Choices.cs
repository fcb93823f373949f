using MessagePack;

namespace ReplicationEngine.Persistence.Contracts.V1;

/// <summary>The cases of <see cref="PointChoice"/>.</summary>
internal enum PointChoiceKind
{
    Latest = 1,
    LatestProcessed = 2,
    LatestAppConsistent = 3,
    Specific = 4,
}

/// <summary>The cases of <see cref="EffectResult"/>.</summary>
internal enum EffectResultKind
{
    Done = 1,
    PrerequisitesMet = 2,
    Quiesced = 3,
    FailoverReady = 4,
    TestFailoverReady = 5,
}

/// <summary>Which point to recover to; the id stands with <see cref="PointChoiceKind.Specific"/> only.</summary>
[MessagePackObject]
internal sealed record PointChoice([property: Key(0)] PointChoiceKind? Kind, [property: Key(1)] Guid? Id);

/// <summary>The result of an effect; each case has its own of the members, and the others are nil.</summary>
[MessagePackObject]
internal sealed record EffectResult(
    [property: Key(0)] EffectResultKind? Kind,
    [property: Key(1)] ProtectedDisk[]? Disks = null,
    [property: Key(2)] long? LastLsn = null,
    [property: Key(3)] bool? ConfirmedByAgent = null,
    [property: Key(4)] RecoveryPoint? Point = null,
    [property: Key(5)] TimeSpan? RpoBound = null,
    [property: Key(6)] int? Exports = null);

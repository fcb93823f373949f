using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Contracts.V1;

[MessagePackObject]
internal sealed record TestFailoverStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] ChosenPoint? Point);

[MessagePackObject]
internal sealed record TestFailoverReady(
    [property: Key(0)] DateTime? At, [property: Key(1)] Guid? Point, [property: Key(2)] int Exports);

[MessagePackObject]
internal sealed record TestFailoverCleanUpStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] string? Notes,
    [property: Key(3)] EffectError? Error);

[MessagePackObject]
internal sealed record TestFailoverCleanedUp([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record FailoverStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] FailoverKind? Kind,
    [property: Key(3)] ChosenPoint? Point, [property: Key(4)] bool TryShutdown, [property: Key(5)] long Term,
    [property: Key(6)] bool Forced);

[MessagePackObject]
internal sealed record WritesQuiesced(
    [property: Key(0)] DateTime? At, [property: Key(1)] long LastLsn, [property: Key(2)] EffectError? Error);

[MessagePackObject]
internal sealed record FailoverReady([property: Key(0)] DateTime? At, [property: Key(1)] Recovery? Recovery);

[MessagePackObject]
internal sealed record FailoverFailed(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectError? Error, [property: Key(2)] long Term);

[MessagePackObject]
internal sealed record RecoveryPointChangeStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Guid? Point);

[MessagePackObject]
internal sealed record RecoveryPointChanged([property: Key(0)] DateTime? At, [property: Key(1)] Recovery? Recovery);

[MessagePackObject]
internal sealed record RecoveryPointChangeFailed(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectError? Error);

[MessagePackObject]
internal sealed record CommitStarted([property: Key(0)] DateTime? At, [property: Key(1)] string? By);

[MessagePackObject]
internal sealed record FailoverCommitted([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record CancelStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] long DiscardedBytes,
    [property: Key(3)] long Term);

[MessagePackObject]
internal sealed record FailoverCancelled([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record ReprotectStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Direction? Direction,
    [property: Key(3)] long DiscardedBytes, [property: Key(4)] bool DiscardedUnknown);

[MessagePackObject]
internal sealed record ReprotectCompleted(
    [property: Key(0)] DateTime? At, [property: Key(1)] Direction? Direction, [property: Key(2)] long SentBytes);

[MessagePackObject]
internal sealed record FailbackStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] long Term);

[MessagePackObject]
internal sealed record FailbackReady([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record FailbackCommitted([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record SourceFenced([property: Key(0)] DateTime? At, [property: Key(1)] long DivergentBytes);

using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Contracts.V1;

[MessagePackObject]
internal sealed record CommandAccepted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Guid? Command,
    [property: Key(3)] string? Digest);

[MessagePackObject]
internal sealed record EnableStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] string? Vm,
    [property: Key(3)] ProtectedDisk[]? Disks, [property: Key(4)] string? ScenarioId,
    [property: Key(5)] ReplicationPolicy? Policy, [property: Key(6)] string? Agent);

[MessagePackObject]
internal sealed record ProtectionRecovered(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] string? Vm,
    [property: Key(3)] ProtectedDisk[]? Disks, [property: Key(4)] string? ScenarioId,
    [property: Key(5)] ReplicationPolicy? Policy, [property: Key(6)] string? Agent, [property: Key(7)] long Term,
    [property: Key(8)] RecoveredAs? RecoveredAs, [property: Key(9)] Guid? Point,
    [property: Key(10)] RecoveryPoint[]? Points);

[MessagePackObject]
internal sealed record PrerequisitesChecked([property: Key(0)] DateTime? At, [property: Key(1)] ProtectedDisk[]? Disks);

[MessagePackObject]
internal sealed record SourceAttached([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record TargetPrepared([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record EnableFailed(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectError? Error, [property: Key(2)] bool CleanUpOwed);

[MessagePackObject]
internal sealed record InitialReplicationStarted([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record InitialReplicationCompleted([property: Key(0)] DateTime? At, [property: Key(1)] long SentBytes);

[MessagePackObject]
internal sealed record ProtectionFinalized([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record DisableStarted(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] bool KeepReplica);

[MessagePackObject]
internal sealed record ProtectionDisabled([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record PolicyChanged(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] ReplicationPolicy? Policy);

[MessagePackObject]
internal sealed record EffectConfirmed([property: Key(0)] DateTime? At, [property: Key(1)] EffectKind? Kind);

[MessagePackObject]
internal sealed record EffectFailed(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectKind? Kind, [property: Key(2)] EffectError? Error,
    [property: Key(3)] int Failures, [property: Key(4)] DateTime? RetryAt);

[MessagePackObject]
internal sealed record EffectRetried(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] EffectKind? Kind);

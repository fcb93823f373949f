using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Persistence.Contracts.V1;

[MessagePackObject]
internal sealed record Enable(
    [property: Key(0)] string? Vm, [property: Key(1)] ProtectedDisk[]? Disks, [property: Key(2)] string? ScenarioId,
    [property: Key(3)] ReplicationPolicy? Policy, [property: Key(4)] string? Agent);

[MessagePackObject]
internal sealed record Recover(
    [property: Key(0)] string? Vm, [property: Key(1)] ProtectedDisk[]? Disks, [property: Key(2)] string? ScenarioId,
    [property: Key(3)] ReplicationPolicy? Policy, [property: Key(4)] string? Agent, [property: Key(5)] long Term,
    [property: Key(6)] RecoveredAs? RecoveredAs, [property: Key(7)] Guid? Point,
    [property: Key(8)] RecoveryPoint[]? Points);

[MessagePackObject]
internal sealed record Disable([property: Key(0)] bool KeepReplica);

[MessagePackObject]
internal sealed record UpdatePolicy([property: Key(0)] ReplicationPolicy? Policy);

[MessagePackObject]
internal sealed record Pause;

[MessagePackObject]
internal sealed record Resume;

[MessagePackObject]
internal sealed record StartResync;

[MessagePackObject]
internal sealed record MakeRecoveryPoint([property: Key(0)] PointKind? Kind, [property: Key(1)] bool? AgentHasHooks);

[MessagePackObject]
internal sealed record StartTestFailover([property: Key(0)] PointChoice? Choice);

[MessagePackObject]
internal sealed record CleanUpTestFailover([property: Key(0)] string? Notes);

[MessagePackObject]
internal sealed record StartPlannedFailover([property: Key(0)] string[]? Writers, [property: Key(1)] bool Force);

[MessagePackObject]
internal sealed record StartUnplannedFailover(
    [property: Key(0)] PointChoice? Choice, [property: Key(1)] bool TryShutdown);

[MessagePackObject]
internal sealed record ChangeRecoveryPoint([property: Key(0)] PointChoice? Choice);

[MessagePackObject]
internal sealed record Commit;

[MessagePackObject]
internal sealed record CancelFailover([property: Key(0)] long TargetWrittenBytes, [property: Key(1)] bool Discard);

[MessagePackObject]
internal sealed record Reprotect([property: Key(0)] bool Discard);

[MessagePackObject]
internal sealed record Failback;

[MessagePackObject]
internal sealed record RetryJob;

[MessagePackObject]
internal sealed record TimerDue([property: Key(0)] string? Name, [property: Key(1)] DateTime? DueAt);

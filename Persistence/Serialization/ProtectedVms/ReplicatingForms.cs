using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of replication, policy and disks: events, commands and their contracts.</summary>
internal static class ReplicatingForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<PolicyChanged, PolicyChangedV1>(
            "policy-changed.v1",
            e => new(At(e.At), e.By, To(e.Policy)),
            m => new(Time(m.At), Needed(m.By), From(m.Policy))),
        Event<ReplicationPaused, ReplicationPausedV1>(
            "replication-paused.v1",
            e => new(At(e.At), e.By),
            m => new(Time(m.At), Needed(m.By))),
        Event<ReplicationResumed, ReplicationResumedV1>(
            "replication-resumed.v1",
            e => new(At(e.At), e.By),
            m => new(Time(m.At), Needed(m.By))),
        Event<ReplicationFaulted, ReplicationFaultedV1>(
            "replication-faulted.v1",
            e => new(At(e.At), To(e.Error), e.Failures, AtOrNone(e.RetryAt)),
            m => new(Time(m.At), From(m.Error), m.Failures, TimeOrNone(m.RetryAt))),
        Event<ReplicationRetried, ReplicationRetriedV1>(
            "replication-retried.v1",
            e => new(At(e.At), e.By),
            m => new(Time(m.At), Needed(m.By))),
        Event<ReplicationRecovered, ReplicationRecoveredV1>(
            "replication-recovered.v1",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        Event<DiskResized, DiskResizedV1>(
            "disk-resized.v1",
            e => new(At(e.At), To(e.Disk)),
            m => new(Time(m.At), From(m.Disk))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<UpdatePolicy, UpdatePolicyV1>("update-policy.v1", c => new(To(c.Policy)), m => new(From(m.Policy))),
        Command<Pause, PauseV1>("pause.v1", c => new(), m => new()),
        Command<Resume, ResumeV1>("resume.v1", c => new(), m => new()),
        Command<RecordInSync, RecordInSyncV1>(
            "record-in-sync.v1",
            c => new(c.Direction, c.SentBytes),
            m => new(Needed(m.Direction), m.SentBytes)),
        Command<RecordReplicationError, RecordReplicationErrorV1>(
            "record-replication-error.v1",
            c => new(To(c.Error)),
            m => new(From(m.Error))),
        Command<RecordReplicationRecovered, RecordReplicationRecoveredV1>(
            "record-replication-recovered.v1",
            c => new(),
            m => new()),
        Command<RecordDiskResized, RecordDiskResizedV1>(
            "record-disk-resized.v1",
            c => new(c.Path, c.SizeBytes),
            m => new(Needed(m.Path), m.SizeBytes)),
    ];
}

[MessagePackObject]
internal sealed record PolicyChangedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] ReplicationPolicyV1? Policy);

[MessagePackObject]
internal sealed record ReplicationPausedV1([property: Key(0)] DateTime? At, [property: Key(1)] string? By);

[MessagePackObject]
internal sealed record ReplicationResumedV1([property: Key(0)] DateTime? At, [property: Key(1)] string? By);

[MessagePackObject]
internal sealed record ReplicationFaultedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectErrorV1? Error, [property: Key(2)] int Failures,
    [property: Key(3)] DateTime? RetryAt);

[MessagePackObject]
internal sealed record ReplicationRetriedV1([property: Key(0)] DateTime? At, [property: Key(1)] string? By);

[MessagePackObject]
internal sealed record ReplicationRecoveredV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record DiskResizedV1([property: Key(0)] DateTime? At, [property: Key(1)] ProtectedDiskV1? Disk);

[MessagePackObject]
internal sealed record UpdatePolicyV1([property: Key(0)] ReplicationPolicyV1? Policy);

[MessagePackObject]
internal sealed record PauseV1;

[MessagePackObject]
internal sealed record ResumeV1;

[MessagePackObject]
internal sealed record RecordInSyncV1([property: Key(0)] Direction? Direction, [property: Key(1)] long SentBytes);

[MessagePackObject]
internal sealed record RecordReplicationErrorV1([property: Key(0)] EffectErrorV1? Error);

[MessagePackObject]
internal sealed record RecordReplicationRecoveredV1;

[MessagePackObject]
internal sealed record RecordDiskResizedV1([property: Key(0)] string? Path, [property: Key(1)] long SizeBytes);

using MessagePack;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of enabling: events, commands and their contracts.</summary>
internal static class EnablingForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<EnableStarted, EnableStartedV1>(
            "enable-started.v1",
            e => new(
                At(e.At), e.By, e.Enrollment.Vm.Value, All(e.Enrollment.Disks, To), e.Enrollment.ScenarioId,
                To(e.Enrollment.Policy), e.Enrollment.Agent),
            m => new(Time(m.At), Needed(m.By), EnrollmentOf(m.Vm, m.Disks, m.ScenarioId, m.Policy, m.Agent))),
        Event<PrerequisitesChecked, PrerequisitesCheckedV1>(
            "prerequisites-checked.v1",
            e => new(At(e.At), All(e.Disks, To)),
            m => new(Time(m.At), All(m.Disks, From))),
        Event<SourceAttached, SourceAttachedV1>("source-attached.v1", e => new(At(e.At)), m => new(Time(m.At))),
        Event<TargetPrepared, TargetPreparedV1>("target-prepared.v1", e => new(At(e.At)), m => new(Time(m.At))),
        Event<EnableFailed, EnableFailedV1>(
            "enable-failed.v1",
            e => new(At(e.At), To(e.Error), e.CleanUpOwed),
            m => new(Time(m.At), From(m.Error), m.CleanUpOwed)),
        Event<InitialReplicationStarted, InitialReplicationStartedV1>(
            "initial-replication-started.v1",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        Event<InitialReplicationCompleted, InitialReplicationCompletedV1>(
            "initial-replication-completed.v1",
            e => new(At(e.At), e.SentBytes),
            m => new(Time(m.At), m.SentBytes)),
        Event<ProtectionFinalized, ProtectionFinalizedV1>(
            "protection-finalized.v1",
            e => new(At(e.At)),
            m => new(Time(m.At))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<Enable, EnableV1>(
            "enable.v1",
            c => new(c.Vm.Value, All(c.Disks, To), c.ScenarioId, To(c.Policy), c.Agent),
            m => new(
                new ProtectedVmId(Needed(m.Vm)), All(m.Disks, From), Needed(m.ScenarioId), From(m.Policy),
                Needed(m.Agent))),
    ];
}

[MessagePackObject]
internal sealed record EnableStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] string? Vm,
    [property: Key(3)] ProtectedDiskV1[]? Disks, [property: Key(4)] string? ScenarioId,
    [property: Key(5)] ReplicationPolicyV1? Policy, [property: Key(6)] string? Agent);

[MessagePackObject]
internal sealed record PrerequisitesCheckedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] ProtectedDiskV1[]? Disks);

[MessagePackObject]
internal sealed record SourceAttachedV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record TargetPreparedV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record EnableFailedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectErrorV1? Error, [property: Key(2)] bool CleanUpOwed);

[MessagePackObject]
internal sealed record InitialReplicationStartedV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record InitialReplicationCompletedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] long SentBytes);

[MessagePackObject]
internal sealed record ProtectionFinalizedV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record EnableV1(
    [property: Key(0)] string? Vm, [property: Key(1)] ProtectedDiskV1[]? Disks, [property: Key(2)] string? ScenarioId,
    [property: Key(3)] ReplicationPolicyV1? Policy, [property: Key(4)] string? Agent);

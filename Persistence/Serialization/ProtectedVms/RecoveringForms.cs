using MessagePack;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>
/// The stored forms of a recovery from a replica whose journal was lost: events, commands and their contracts.
/// </summary>
internal static class RecoveringForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<ProtectionRecovered, ProtectionRecoveredV1>(
            "protection-recovered.v1",
            e => new(
                At(e.At), e.By, e.Enrollment.Vm.Value, All(e.Enrollment.Disks, To), e.Enrollment.ScenarioId,
                To(e.Enrollment.Policy), e.Enrollment.Agent, e.Term.Value, e.As, e.Point?.Value, All(e.Points, To)),
            m => new(
                Time(m.At), Needed(m.By), EnrollmentOf(m.Vm, m.Disks, m.ScenarioId, m.Policy, m.Agent),
                new Term(m.Term), Needed(m.RecoveredAs), PointIdOrNone(m.Point), All(m.Points, From))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<Recover, RecoverV1>(
            "recover.v1",
            c => new(
                c.Enrollment.Vm.Value, All(c.Enrollment.Disks, To), c.Enrollment.ScenarioId, To(c.Enrollment.Policy),
                c.Enrollment.Agent, c.Term.Value, c.As, c.Point?.Value, All(c.Points, To)),
            m => new(
                EnrollmentOf(m.Vm, m.Disks, m.ScenarioId, m.Policy, m.Agent), new Term(m.Term), Needed(m.RecoveredAs),
                PointIdOrNone(m.Point), All(m.Points, From))),
    ];
}

[MessagePackObject]
internal sealed record ProtectionRecoveredV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] string? Vm,
    [property: Key(3)] ProtectedDiskV1[]? Disks, [property: Key(4)] string? ScenarioId,
    [property: Key(5)] ReplicationPolicyV1? Policy, [property: Key(6)] string? Agent, [property: Key(7)] long Term,
    [property: Key(8)] RecoveredAs? RecoveredAs, [property: Key(9)] Guid? Point,
    [property: Key(10)] RecoveryPointV1[]? Points);

[MessagePackObject]
internal sealed record RecoverV1(
    [property: Key(0)] string? Vm, [property: Key(1)] ProtectedDiskV1[]? Disks, [property: Key(2)] string? ScenarioId,
    [property: Key(3)] ReplicationPolicyV1? Policy, [property: Key(4)] string? Agent, [property: Key(5)] long Term,
    [property: Key(6)] RecoveredAs? RecoveredAs, [property: Key(7)] Guid? Point,
    [property: Key(8)] RecoveryPointV1[]? Points);

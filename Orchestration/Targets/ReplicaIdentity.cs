using System.Text.Json.Serialization;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// What a VM's directory at the target records of the VM's history, so that a journal that is lost, older or of another
/// vault is detected and can be recreated. It is written before an effect acts. Effects never lower the sequence for
/// one replica; only a recovery of the journal may.
/// </summary>
public sealed record ReplicaIdentity
{
    /// <summary>The VM's name.</summary>
    public required string Vm { get; init; }

    /// <summary>The identity of the replica; see <see cref="ProtectedVmState.ReplicaSince"/>.</summary>
    public required DateTimeOffset ReplicaSince { get; init; }

    /// <summary>
    /// The number of the newest event known to have led to work here. No valid journal of this VM is shorter.
    /// </summary>
    public required long Sequence { get; init; }

    /// <summary>The term at that event.</summary>
    public required long Term { get; init; }

    /// <summary>The name of the phase at that event, for the operator.</summary>
    public required string Phase { get; init; }

    /// <summary>The state in which the VM is recovered when the disks of a recovered machine exist.</summary>
    public required RecoveredAs WithMachine { get; init; }

    /// <summary>The state in which the VM is recovered when the disks of a recovered machine do not exist.</summary>
    public required RecoveredAs WithoutMachine { get; init; }

    /// <summary>Whether the directory is being deleted, so that any remains are useless.</summary>
    public bool Released { get; init; }

    /// <summary>The agent on the source's machine.</summary>
    public required string Agent { get; init; }

    /// <summary>The protection scenario.</summary>
    public required string ScenarioId { get; init; }

    /// <summary>The replication policy.</summary>
    public required ReplicationPolicy Policy { get; init; }

    /// <summary>The disks, in the VM's order.</summary>
    public required IReadOnlyList<ProtectedDisk> Disks { get; init; }

    /// <summary>Creates the identity of a state, with the consequences of an effect.</summary>
    public static ReplicaIdentity Of(ProtectedVmState state, ProtectedVmEffect? effect = null) => new()
    {
        Vm = state.Enrollment.Vm.Value,
        ReplicaSince = state.ReplicaSince,
        Sequence = state.EventCount,
        Term = state.Term.Value,
        Phase = PhaseName.Of(state.Phase),
        WithMachine = RecoveryRule.Of(state.Phase, hasMachine: true),
        WithoutMachine = RecoveryRule.Of(state.Phase, hasMachine: false),
        Released = effect is ProtectedVmEffect.ReleaseProtection { KeepReplica: false },
        Agent = state.Enrollment.Agent,
        ScenarioId = state.Enrollment.ScenarioId,
        Policy = state.Enrollment.Policy,
        Disks = [.. state.Enrollment.Disks],
    };

    /// <summary>The settings fixed by enabling.</summary>
    public Enrollment Enrollment => new(new ProtectedVmId(Vm), [.. Disks], ScenarioId, Policy, Agent);
}

/// <summary>The JSON serialization of an identity.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(ReplicaIdentity))]
internal sealed partial class ReplicaIdentityJson : JsonSerializerContext;

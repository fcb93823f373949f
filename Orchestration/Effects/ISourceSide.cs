using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>The source sides of all VMs as used by effects: through agents, which may be away or not respond.</summary>
public interface ISourceSide
{
    /// <summary>Whether the VM's agent is connected.</summary>
    bool IsConnected(ProtectedVmState state);

    /// <summary>Inspects the disks before anything is changed.</summary>
    /// <exception cref="EffectFailedException">The agent is away or did not respond in time.</exception>
    Task<InspectedSource> InspectAsync(
        ProtectedVmState state, ProtectedVmEffect.CheckPrerequisites check, CancellationToken ct);

    /// <summary>
    /// Directs the agent to the role that the VM's state requires (<see cref="SourceDuty"/>) and waits until the source
    /// side has it.
    /// </summary>
    /// <exception cref="EffectFailedException">The agent is away or cannot take the role.</exception>
    Task<SourceObservation> DirectAsync(ProtectedVmState state, CancellationToken ct);

    /// <summary>Marks a recovery point in the stream and returns its position.</summary>
    /// <exception cref="EffectFailedException">The agent is away or cannot make a point now.</exception>
    Task<ChangePosition> MarkAsync(ProtectedVmState state, RecoveryPointId point, PointKind kind,
        CancellationToken ct);
}

/// <summary>The result of an agent's inspection of a VM's disks.</summary>
/// <param name="Disks">The disks.</param>
/// <param name="Problems">Every reason why the disks cannot be protected; empty when they can.</param>
public sealed record InspectedSource(ValueList<ProtectedDisk> Disks, ValueList<string> Problems);

using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>The source sides of all VMs, as effects reach them: through agents, which may be away or not
/// answer.</summary>
public interface ISourceSide
{
    /// <summary>Whether the VM's agent is connected.</summary>
    bool IsConnected(ProtectedVmState state);

    /// <summary>Looks at the disks before anything is done to them.</summary>
    /// <exception cref="EffectFailedException">The agent is away or did not answer in time.</exception>
    Task<InspectedSource> InspectAsync(
        ProtectedVmState state, ProtectedVmEffect.CheckPrerequisites check, CancellationToken ct);

    /// <summary>Tells the agent what the VM's source side is to be (<see cref="SourceDuty"/>) and waits until it
    /// is.</summary>
    /// <exception cref="EffectFailedException">The agent is away or cannot do it.</exception>
    Task<SourceObservation> DirectAsync(ProtectedVmState state, CancellationToken ct);

    /// <summary>Marks a recovery point in the stream; answers where.</summary>
    /// <exception cref="EffectFailedException">The agent is away or can make no point now.</exception>
    Task<ChangePosition> MarkAsync(ProtectedVmState state, RecoveryPointId point, PointKind kind,
        CancellationToken ct);
}

/// <summary>What an agent found of a VM's disks.</summary>
/// <param name="Disks">The disks.</param>
/// <param name="Problems">Every reason why they cannot be protected; none when they can.</param>
public sealed record InspectedSource(ValueList<ProtectedDisk> Disks, ValueList<string> Problems);

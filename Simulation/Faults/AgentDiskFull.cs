using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the file system of the agent's data has only B free bytes for A ms.</summary>
internal sealed class AgentDiskFull() : FullDisk(14, perHour: 1)
{
    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        Fill(world, vm.Agent.Storage, planned);
}

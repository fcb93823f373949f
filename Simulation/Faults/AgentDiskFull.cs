using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>The agent's data directory has B bytes left for A ms.</summary>
internal sealed class AgentDiskFull() : FullDisk(14, perHour: 1)
{
    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        Fill(world, vm.Agent.Storage, planned);
}

using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the agent's process dies, at its A-th storage operation from now, or at once when A is 0.</summary>
internal sealed class AgentKill() : Death(0, "A", perHour: 1)
{
    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        Die(vm.Agent, vm.Agent.Storage, planned.A);
}

using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the service's process dies. A is the moment, as in <see cref="AgentKill"/>.</summary>
internal sealed class ServiceKill() : Death(3, "V", perHour: 1)
{
    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        Die(world.Service, vm.Target.Storage, planned.A);
}

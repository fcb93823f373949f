using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the service's machine loses power. A is the moment, as in <see cref="AgentKill"/>.</summary>
internal sealed class ServicePowerCut() : Death(4, "T", perHour: 1)
{
    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        world.Service.PowerCutNext = true;
        Die(world.Service, vm.Target.Storage, planned.A);
    }
}

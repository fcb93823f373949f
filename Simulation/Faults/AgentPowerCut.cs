using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the agent's machine loses power. A is the moment, as in <see cref="AgentKill"/>.</summary>
internal sealed class AgentPowerCut() : Death(1, "T", perHour: 1)
{
    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        vm.Agent.PowerCutNext = vm.Ledger.SourceCut = true;
        Die(vm.Agent, vm.Agent.Storage, planned.A);
    }
}

using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the next sync on the agent's machine fails.</summary>
internal sealed class AgentSyncFails() : FailedSync(16)
{
    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        vm.Ledger.SyncBroken = true;
        FailNext(vm.Agent.Storage);
    }
}

using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>The next sync at the agent fails.</summary>
internal sealed class AgentSyncFails() : FailedSync(16)
{
    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        vm.Ledger.SyncBroken = true;
        FailNext(vm.Agent.Storage);
    }
}

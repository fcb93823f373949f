using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>The next sync at the replica fails.</summary>
internal sealed class TargetSyncFails() : FailedSync(17)
{
    /// <inheritdoc/>
    public override bool IsOfTheService => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        vm.Ledger.TargetSyncBroken = true;
        FailNext(vm.Target.Storage);
    }
}

using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the next sync of the replica's storage fails.</summary>
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

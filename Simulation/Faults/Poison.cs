using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: the newest event of the VM's stream becomes unreadable or damaged, as A selects, perhaps together with the
/// snapshot. Then the service's process dies. Nothing happens when the stream is empty or an earlier damage is not
/// repaired yet.
/// </summary>
internal sealed class Poison() : Fault(20, "X", perHour: 0.3)
{
    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        if (vm.Ledger.Antidote is not null || world.Journal.Poison(vm.Id, planned.A) is not { } antidote)
        {
            return;
        }

        vm.Ledger.Antidote = () =>
        {
            antidote();
            vm.Ledger.Antidote = null;
        };
        world.Service.Die();
    }
}

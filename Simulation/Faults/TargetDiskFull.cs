using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the storage of the VM's replica has only B free bytes for A ms.</summary>
internal sealed class TargetDiskFull() : FullDisk(15, perHour: 0.7)
{
    /// <inheritdoc/>
    public override bool IsOfTheService => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        Fill(world, vm.Target.Storage, planned);
}

using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: a disk of the agent's machine grows by B sectors, while it is served when B is odd, otherwise while the
/// machine is off. B also selects the disk.
/// </summary>
internal sealed class DiskGrow() : Fault(27, "Z", perHour: 0.5)
{
    /// <inheritdoc/>
    public override FaultGroup Group => FaultGroup.Hosts;

    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (0, random.Between(1, 1024));

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Agent.Machine.GrowDisk(planned.B, sectors: planned.B, running: (planned.B & 1) == 1);
}

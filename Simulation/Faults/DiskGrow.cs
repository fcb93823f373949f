using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// A disk, B chooses which, grows by B sectors: while it is served when B is odd, else while the agent's machine is
/// off.
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

using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// A disk, B chooses which, loses its last 64 KiB while it is served; zeroes take their place after A ms.
/// </summary>
internal sealed class DiskShrink() : Fault(28, "Z", perHour: 1)
{
    /// <inheritdoc/>
    public override FaultGroup Group => FaultGroup.Hosts;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 1, 200), random.Next(8));

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Agent.Machine.ShrinkDisk(planned.B, LengthOf(planned));
}

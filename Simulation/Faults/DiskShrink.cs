using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: a served disk of the agent's machine loses its last 64 KiB. After A ms zeroes take their place. B selects the
/// disk.
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

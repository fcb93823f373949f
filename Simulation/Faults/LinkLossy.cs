using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: messages on the link are lost, duplicated and reordered for A ms.</summary>
internal sealed class LinkLossy() : Fault(9, "M", perHour: 2)
{
    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 5, 120), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Wire.Lossy(LengthOf(planned));
}

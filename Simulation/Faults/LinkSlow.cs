using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the link is slow for A ms; B is the added latency in ms.</summary>
internal sealed class LinkSlow() : Fault(8, "S", perHour: 1)
{
    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 10, 400), random.Between(50, 3000));

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Wire.Slow(LengthOf(planned), TimeSpan.FromMilliseconds(planned.B));
}

using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: one direction of the link is cut for A ms, the direction to the service when B is 1, the direction to the
/// agent otherwise.
/// </summary>
internal sealed class LinkOneWay() : Fault(7, "P", perHour: 1)
{
    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 1, 200), random.Between(0, 2));

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Wire.Cut(planned.B == 1, LengthOf(planned));
}

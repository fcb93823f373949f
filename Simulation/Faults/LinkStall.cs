using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// The link is open and passes nothing for A ms; B is 1 for the way to the service, 2 for the other, 3 for both.
/// Nothing is lost.
/// </summary>
internal sealed class LinkStall() : Fault(22, "H", perHour: 1.5)
{
    /// <inheritdoc/>
    public override FaultGroup Group => FaultGroup.Links;

    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (random.Chance(0.3) ? Seconds(random, 60, 1800) : Seconds(random, 1, 60), random.Between(1, 4));

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        Wire.Ways(planned.B, toService => vm.Wire.Stall(toService, LengthOf(planned)));
}

using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: the link stays open and passes nothing for A ms. B selects the direction: 1 to the service, 2 to the agent, 3
/// both. Messages arrive when the stall is over; they are lost only if an end gives up its connection before.
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

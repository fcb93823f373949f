using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: the network forgets the existing connections without informing the ends, in the directions that B selects as
/// in <see cref="LinkStall"/>. The control stream works again after A ms. The data stream works again after one end has
/// noticed.
/// </summary>
internal sealed class LinkHalfOpen() : Fault(23, "H", perHour: 1.5)
{
    /// <inheritdoc/>
    public override FaultGroup Group => FaultGroup.Links;

    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 1, 120), random.Between(1, 4));

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        world.Sometimes.Count(Probes.HalfOpen);
        vm.Target.Session?.Forget(toReceiver: (planned.B & 1) != 0, toSender: (planned.B & 2) != 0);
        Wire.Ways(planned.B, toService => vm.Wire.Cut(toService, LengthOf(planned)));
    }
}

using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Storage;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// The agent's machine is put back to the newest snapshot, when A is 3; A is 1 for the agent's data alone, 2 for the
/// disks alone, written over those that there are (B is 0) or made again (B is 1).
/// </summary>
internal sealed class HostRevert() : Fault(25, "Z", perHour: 2)
{
    /// <inheritdoc/>
    public override FaultGroup Group => FaultGroup.Hosts;

    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (random.Between(1, 4), random.Between(0, 2));

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Agent.Machine.Revert(planned.A, planned.B == 0 ? RestoreManner.InPlace : RestoreManner.NewFiles);
}

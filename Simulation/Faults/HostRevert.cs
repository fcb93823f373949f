using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Storage;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: the agent's machine is reverted to its newest snapshot. When A is 3, the whole machine is reverted; when A is
/// 1, only the agent's data; when A is 2, only the disks. Data or disks alone overwrite the existing files when B is 0,
/// and become new files when B is 1.
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

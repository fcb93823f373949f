using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: a snapshot of the agent's machine is taken. When A is odd, it holds what a crash would leave.
/// </summary>
internal sealed class HostSnapshot() : Fault(24, "Z", perHour: 5)
{
    /// <inheritdoc/>
    public override FaultGroup Group => FaultGroup.Hosts;

    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Agent.Machine.TakeSnapshot(asCrashed: (planned.A & 1) == 1);
}

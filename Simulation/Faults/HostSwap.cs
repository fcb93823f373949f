using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: another copy of the agent's machine takes its place, and the present one is kept aside. Repeated swaps let
/// two forks of one machine run in turns.
/// </summary>
internal sealed class HostSwap() : Fault(26, "Z", perHour: 1.5)
{
    /// <inheritdoc/>
    public override FaultGroup Group => FaultGroup.Hosts;

    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Agent.Machine.Swap();
}

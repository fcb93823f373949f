using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the agent's process is stopped for A ms.</summary>
internal sealed class AgentPause() : Fault(2, "A", perHour: 1)
{
    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 1, 120), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        vm.Agent.Pause(LengthOf(planned));
}

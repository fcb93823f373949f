using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the service's process is stopped for A ms.</summary>
internal sealed class ServicePause() : Fault(5, "L", perHour: 0.7)
{
    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 1, 120), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        world.Service.Pause(LengthOf(planned));
}

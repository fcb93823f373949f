using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: the machine that runs both service and journal restarts. The service dies at once, and every append to the
/// journal and every read of it fails for A ms, so that the service recovers before its journal does.
/// </summary>
internal sealed class JournalRestart() : Fault(31, "L", perHour: 0.5)
{
    /// <inheritdoc/>
    public override FaultGroup Group => FaultGroup.Journal;

    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) => (Seconds(random, 1, 60), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        world.Journal.Trouble(LengthOf(planned));
        world.Service.Die();
    }
}

using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the journal has no free space for A ms.</summary>
internal sealed class JournalFull() : Fault(11, "D", perHour: 1)
{
    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 5, 200), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        world.Journal.Fill(LengthOf(planned));
}

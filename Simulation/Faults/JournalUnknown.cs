using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: the outcome of the next append to the journal is unknown to its sender. The events are durable when A is 1,
/// and lost otherwise.
/// </summary>
internal sealed class JournalUnknown() : Fault(10, "M", perHour: 3)
{
    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override bool IsOfTheService => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (random.Between(0, 2), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned) =>
        world.Journal.NextUnknown(planned.A == 1);
}

using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: living owners of entities are declared dead for A ms. They continue to run next to the owners that replace
/// them.
/// </summary>
internal sealed class Rival() : Fault(12, "L", perHour: 0.7)
{
    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override bool IsShared => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 5, 100), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        var length = LengthOf(planned);
        world.Journal.TakeForDead(length);
        if (world.Service.Alive)
        {
            world.Vms.ForEach(one => one.Host.TakeForDead());
            world.Service.After(length, () => world.Vms.ForEach(one => one.Host.BuryTheDead()));
        }
    }
}

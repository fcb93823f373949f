using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the source site is lost for A ms. The agent's machine loses power at once.</summary>
internal sealed class RegionLost() : Fault(21, "R", perHour: 0.3)
{
    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 300, 1800), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        vm.RegionLostUntil = world.Queue.Now + LengthOf(planned);
        vm.Agent.PowerCutNext = vm.Ledger.SourceCut = true;
        vm.Agent.Die();
    }
}

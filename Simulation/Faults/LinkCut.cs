using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: the link between agent and service is cut in both directions for A ms.</summary>
internal sealed class LinkCut() : Fault(6, "P", perHour: 2)
{
    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 1, 600), 0);

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        vm.Wire.Cut(toService: true, LengthOf(planned));
        vm.Wire.Cut(toService: false, LengthOf(planned));
    }
}

using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: a wall clock jumps by A ms, the service's clock when B is 1, the agent's clock otherwise.</summary>
internal sealed class ClockJump() : Fault(13, "C", perHour: 0.7)
{
    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Jump(random), random.Between(0, 2));

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        world.ServiceClockSet |= planned.B == 1;
        var clock = planned.B == 1 ? world.Service.Clock : vm.Agent.Clock;
        clock.Jump(TimeSpan.FromMilliseconds(planned.A));
    }

    private static long Jump(SplittableRandom random)
    {
        var size = random.Pick<long>([5_000, 3_600_000, 86_400_000, 365L * 86_400_000]);
        return random.Chance(0.5) ? size : -size;
    }
}

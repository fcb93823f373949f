using ReplicationEngine.Simulation.World;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I21: every acknowledged write that a failover lost is newer than the bound that was told, whatever the agents' wall
/// clocks show; and the bound is no longer than the world is old, so that no clock that was set comes out as a loss.
/// Not judged where the service's own wall clock was set: over its restarts nothing else measures.
/// </summary>
internal sealed class HonestBoundChecker(SimWorld world) : Checker
{
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(1);

    /// <inheritdoc/>
    public override string Id => "I21";

    /// <inheritdoc/>
    public override void FailedOver(SimVm vm, RecoveredMachine copy, ulong[] content)
    {
        if (world.ServiceClockSet)
        {
            return;
        }

        if (copy.RpoBound > world.Queue.Now + Slack)
        {
            throw Broken(vm, $"the bound {copy.RpoBound} is longer than the world is old, {world.Queue.Now}");
        }

        var cut = copy.Point.Lsn.Value;
        var oldest = world.Queue.Now - copy.RpoBound - Slack;
        foreach (var write in vm.Models.Source.Writes)
        {
            var lost = write.After > cut || (write.After == cut && !write.Logged);
            if (lost && write.At < oldest && !write.Adopted)
            {
                throw Broken(
                    vm, $"a write of {write.At} was lost; the bound {copy.RpoBound} promised all until {oldest}");
            }
        }
    }
}

using ReplicationEngine.Simulation.World;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I21: every acknowledged write that a failover lost is newer than the reported bound, whatever the agents' wall
/// clocks show. The bound is no longer than the age of the world, so that no clock that was set appears as a loss. The
/// check is off after the service's own wall clock was set, because nothing else measures time across its restarts.
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

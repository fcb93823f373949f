using ReplicationEngine.Simulation.World;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I23: a test failover changes nothing outside itself, and its clean-up leaves nothing behind. The writes of the test
/// machine go to a model of their own. I6 checks that the recovery points do not change.
/// </summary>
internal sealed class TestFailoverChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I23";

    /// <inheritdoc/>
    public override void Tested(SimVm vm, ServedMachine? copy)
    {
        if (copy is null)
        {
            if (vm.Target.Store is { } store && store.Overlays.Contains("test", StringComparer.Ordinal))
            {
                throw Broken(vm, "the test machine was cleaned up and is still there");
            }
        }
        else if (!vm.Ledger.Damaged && !copy.Overlay.HasWrites && vm.Models.TestContent is { } expected
            && Difference.Of(expected, vm.Shape.Read(i => copy.Overlay.Disks[i])) is { } difference)
        {
            throw Broken(vm, $"the test machine differs from its point: {difference}");
        }
    }
}

using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I20: a failover ends with the chosen point or leaves nothing behind. In phase Protected there is no recovered
/// machine, and no file of one.
/// </summary>
internal sealed class NoResidueChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I20";

    /// <inheritdoc/>
    public override void FailedOver(SimVm vm, RecoveredMachine copy, ulong[] content)
    {
        if (!vm.Ledger.Damaged && vm.Ledger.Points.TryGetValue(copy.Point.Id, out var expected)
            && Difference.Of(expected, content) is { } difference)
        {
            throw Broken(vm, $"the machine differs from the chosen point: {difference}");
        }
    }

    /// <inheritdoc/>
    public override void End(SimVm vm)
    {
        if (vm.Host.State is { Phase: Phase.Protected } && vm.Target.Store is { } store
            && store.Overlays.Contains("live", StringComparer.Ordinal))
        {
            throw Broken(vm, "the VM is protected and a failed-over machine is left");
        }
    }
}

using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I6: the content of a recovery point never changes until the point is pruned.</summary>
internal sealed class FrozenPointChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I6";

    /// <inheritdoc/>
    public override void PointRead(SimVm vm, RecoveryPoint point, ulong[]? content, bool first)
    {
        if (!first && content is not null && !vm.Ledger.Damaged
            && Difference.Of(vm.Ledger.Points[point.Id], content) is { } difference)
        {
            throw Broken(vm, $"recovery point {point.Id} changed: {difference}");
        }
    }
}

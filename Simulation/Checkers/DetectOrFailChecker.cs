using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I7: a recovery point reads correctly or not at all after the replica's files were damaged (a flipped bit, a
/// misdirected write).
/// </summary>
internal sealed class DetectOrFailChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I7";

    /// <inheritdoc/>
    public override void PointRead(SimVm vm, RecoveryPoint point, ulong[]? content, bool first)
    {
        if (content is not null && vm.Ledger.Damaged
            && Difference.Of(vm.Ledger.Points[point.Id], content) is { } difference)
        {
            throw Broken(vm, $"recovery point {point.Id} reads wrong after damage, with no word of it: {difference}");
        }
    }
}

using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I4: a new recovery point holds exactly the writes up to its cut, according to the model.</summary>
internal sealed class RecoveryPointChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I4";

    /// <inheritdoc/>
    public override void PointRead(SimVm vm, RecoveryPoint point, ulong[]? content, bool first)
    {
        if (first && content is not null && !vm.Ledger.Damaged
            && Difference.Of(vm.Ledger.Points[point.Id], content) is { } difference)
        {
            throw Broken(vm, $"recovery point {point.Id} with cut {point.Cut} differs from the model: {difference}");
        }
    }
}

/// <summary>Compares two contents of hot sectors.</summary>
internal static class Difference
{
    /// <summary>
    /// Returns the first sector that differs and the number of differing sectors; null when the contents are equal.
    /// </summary>
    public static string? Of(ulong[] expected, ulong[] actual)
    {
        var sectors = Enumerable.Range(0, expected.Length).Where(i => expected[i] != actual[i]).ToArray();
        return sectors.Length == 0 ? null : $"{sectors.Length} sectors, the first is {sectors[0]}";
    }
}

using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Target;
using StoredPoint = ReplicationEngine.DataPlane.ReplicaStore.RecoveryPoint;

namespace ReplicationEngine.Vault.Effects;

/// <summary>What the replica's recovery points tell that the VM's state does not know yet.</summary>
internal static class PointFacts
{
    /// <summary>Points sealed, skipped, graded or found unusable.</summary>
    /// <param name="state">What the VM knows.</param>
    /// <param name="points">The replica's points.</param>
    /// <param name="skipped">Markers that made no point.</param>
    public static IEnumerable<ProtectedVmCommand> Of(
        ProtectedVmState state, IReadOnlyList<StoredPoint> points, IReadOnlyList<SkippedMarker> skipped) =>
        [.. Sealed(state, points), .. Damaged(state, points), .. Graded(state, points), .. Skipped(state, skipped)];

    /// <summary>No point of a replica that is lost can be used.</summary>
    public static IEnumerable<ProtectedVmCommand> OfLost(ProtectedVmState state, string why) =>
        state.Points.Where(kept => kept.Usable)
            .Select(kept => new ProtectedVmCommand.RecordRecoveryPointUnusable(kept.Id, why));

    private static IEnumerable<ProtectedVmCommand> Sealed(ProtectedVmState state, IReadOnlyList<StoredPoint> points)
    {
        if (state.Phase is not (Phase.Protected or Phase.Finalizing or Phase.InitialReplication))
        {
            yield break;
        }

        foreach (var point in points)
        {
            var dropped = state.Prune?.Points.Contains(point.Id) == true;
            if (!dropped && state.Points.All(kept => kept.Id != point.Id))
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointSealed(TargetPoints.Describe(point));
            }
        }
    }

    private static IEnumerable<ProtectedVmCommand> Damaged(ProtectedVmState state, IReadOnlyList<StoredPoint> points)
    {
        var stored = points.ToDictionary(point => point.Id);
        foreach (var kept in state.Points.Where(kept => kept.Usable))
        {
            if (stored.TryGetValue(kept.Id, out var point))
            {
                if (point.UnusableBecause is { } reason)
                {
                    yield return new ProtectedVmCommand.RecordRecoveryPointUnusable(kept.Id, reason);
                }
            }
            else if (state.Phase is Phase.Protected)
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointUnusable(
                    kept.Id, "the replica does not hold it");
            }
        }
    }

    // All points that rose to a grade since the last look are one fact, and so one event.
    private static IEnumerable<ProtectedVmCommand> Graded(ProtectedVmState state, IReadOnlyList<StoredPoint> points)
    {
        var kept = state.Points.Where(known => known.Usable).ToDictionary(known => known.Id);
        return points
            .Where(point => point.Usable && kept.TryGetValue(point.Id, out var known)
                && known.Point.Grade < TargetPoints.Grade(point))
            .GroupBy(TargetPoints.Grade)
            .OrderBy(group => group.Key)
            .Select(group => new ProtectedVmCommand.RecordRecoveryPointsGraded(
                group.Key, group.Select(point => point.Id).ToValueList()));
    }

    private static IEnumerable<ProtectedVmCommand> Skipped(
        ProtectedVmState state, IReadOnlyList<SkippedMarker> skipped)
    {
        if (state.PointSchedule.Pending is { } pending
            && skipped.FirstOrDefault(marker => marker.Id == pending.Id) is { } marker)
        {
            yield return new ProtectedVmCommand.RecordRecoveryPointSkipped(pending.Id, marker.Why);
        }
    }
}

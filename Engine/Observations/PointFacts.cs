using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

/// <summary>What the replica's recovery points tell that the VM's state does not know yet.</summary>
public static class PointFacts
{
    /// <summary>Points sealed, found unusable, graded or skipped.</summary>
    public static IEnumerable<ProtectedVmCommand> Of(ProtectedVmState state, PointsObservation points) =>
        [.. Sealed(state, points), .. Damaged(state, points), .. Graded(state, points), .. Skipped(state, points)];

    /// <summary>No point of a replica that is lost can be used.</summary>
    public static IEnumerable<ProtectedVmCommand> OfLost(ProtectedVmState state, string why) =>
        state.Points.Where(kept => kept.Usable)
            .Select(kept => new ProtectedVmCommand.RecordRecoveryPointUnusable(kept.Id, why));

    private static IEnumerable<ProtectedVmCommand> Sealed(ProtectedVmState state, PointsObservation points)
    {
        if (state.Phase is not (Phase.Protected or Phase.Finalizing or Phase.InitialReplication))
        {
            yield break;
        }

        var known = state.Points.Select(kept => kept.Id).Concat(state.Prune?.Points ?? []).ToHashSet();
        foreach (var (point, _) in points.Held)
        {
            if (!known.Contains(point.Id))
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointSealed(point);
            }
        }
    }

    private static IEnumerable<ProtectedVmCommand> Damaged(ProtectedVmState state, PointsObservation points)
    {
        var held = points.Held.ToDictionary(one => one.Point.Id);
        foreach (var kept in state.Points.Where(kept => kept.Usable))
        {
            var reason = held.TryGetValue(kept.Id, out var one) ? one.UnusableBecause
                : state.Phase is Phase.Protected ? "the replica does not have it"
                : null;
            if (reason is not null)
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointUnusable(kept.Id, reason);
            }
        }
    }

    // All points that rose to a grade since the last look are one fact, and so one event.
    private static IEnumerable<ProtectedVmCommand> Graded(ProtectedVmState state, PointsObservation points)
    {
        var kept = state.Points.Where(known => known.Usable).ToDictionary(known => known.Id);
        return points.Held
            .Where(one => one.UnusableBecause is null && kept.TryGetValue(one.Point.Id, out var known)
                && known.Point.Grade < one.Point.Grade)
            .GroupBy(one => one.Point.Grade)
            .OrderBy(group => group.Key)
            .Select(group => new ProtectedVmCommand.RecordRecoveryPointsGraded(
                group.Key, group.Select(one => one.Point.Id).ToValueList()));
    }

    private static IEnumerable<ProtectedVmCommand> Skipped(ProtectedVmState state, PointsObservation points)
    {
        if (state.PointSchedule.Pending is { } pending
            && points.Skipped.FirstOrDefault(marker => marker.Id == pending.Id) is { Why: not null } marker)
        {
            yield return new ProtectedVmCommand.RecordRecoveryPointSkipped(pending.Id, marker.Why);
        }
    }
}

using System.Collections.Immutable;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using HeldPoint = (ReplicationEngine.Engine.RecoveryPoints.RecoveryPoint Point, string? UnusableBecause);

namespace ReplicationEngine.Engine.Observations;

/// <summary>
/// Derives the commands for changes of the replica's recovery points that the VM's state does not contain yet.
/// </summary>
public static class PointFacts
{
    /// <summary>Returns commands for points that were sealed, found unusable, graded or skipped.</summary>
    public static IEnumerable<ProtectedVmCommand> Of(ProtectedVmState state, PointsObservation points)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(points);
        var same = Agreeing(state.Points, points.Held);
        var (kept, held) = (state.Points.Items[same..], points.Held.Skip(same).ToList());
        return
        [
            .. Sealed(state, kept, held), .. Damaged(state, kept, held), .. Graded(kept, held),
            .. Skipped(state, points),
        ];
    }

    /// <summary>Returns commands that mark every point of a lost replica unusable.</summary>
    public static IEnumerable<ProtectedVmCommand> OfLost(ProtectedVmState state, string why) =>
        state.Points.Where(kept => kept.Usable)
            .Select(kept => new ProtectedVmCommand.RecordRecoveryPointUnusable(kept.Id, why));

    // The number of points at the beginning of both lists that are equal and usable: most points are, and are no facts.
    private static int Agreeing(ValueList<KeptPoint> kept, IReadOnlyList<HeldPoint> held)
    {
        var same = 0;
        while (same < kept.Count && same < held.Count && kept[same].Usable && held[same].UnusableBecause is null
            && kept[same].Id == held[same].Point.Id && kept[same].Point.Grade == held[same].Point.Grade)
        {
            same++;
        }

        return same;
    }

    private static IEnumerable<ProtectedVmCommand> Sealed(
        ProtectedVmState state, ImmutableArray<KeptPoint> kept, List<HeldPoint> held)
    {
        if (state.Phase is not (Phase.Protected or Phase.Finalizing or Phase.InitialReplication))
        {
            yield break;
        }

        var known = kept.Select(known => known.Id).Concat(state.Prune?.Points ?? []).ToHashSet();
        foreach (var (point, _) in held)
        {
            if (!known.Contains(point.Id))
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointSealed(point);
            }
        }
    }

    private static IEnumerable<ProtectedVmCommand> Damaged(
        ProtectedVmState state, ImmutableArray<KeptPoint> kept, List<HeldPoint> held)
    {
        var found = held.ToDictionary(one => one.Point.Id);
        foreach (var point in kept.Where(point => point.Usable))
        {
            var reason = found.TryGetValue(point.Id, out var one) ? one.UnusableBecause
                : state.Phase is Phase.Protected ? "the replica does not have it"
                : null;
            if (reason is not null)
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointUnusable(point.Id, reason);
            }
        }
    }

    // All points that rose to a grade since the last observation are one fact, and so one event.
    private static IEnumerable<ProtectedVmCommand> Graded(ImmutableArray<KeptPoint> kept, List<HeldPoint> held)
    {
        var usable = kept.Where(known => known.Usable).ToDictionary(known => known.Id);
        return held
            .Where(one => one.UnusableBecause is null && usable.TryGetValue(one.Point.Id, out var known)
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

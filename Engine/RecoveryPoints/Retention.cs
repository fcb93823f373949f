using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.RecoveryPoints;

// The thinning table. Ages are measured from the youngest point on the retention clock.
//
//   retention     all kept   then one per
//   0             none       (only the latest point)
//   to 1 day      2 h        1 h
//   to 7 days     2 h        2 h
//   more          2 h        2 h to day 7, then 4 h
//
// Buckets are aligned to the youngest point and include their younger edge. The oldest point of a bucket survives,
// because it is the next to cross into the older bucket and so keeps the spacing even as time passes. An
// application-consistent point outranks a crash-consistent one, and a usable point outranks both.
//
// A held point neither takes nor frees a bucket: the survivors are chosen as if nothing were held, so that a hold
// changes the fate of no other point.

/// <summary>Decides which points a policy's retention keeps (RCP-4). Pure and independent of any clock.</summary>
internal static class Retention
{
    /// <summary>
    /// How many points expire at once: one hour's worth at one point every five minutes. Until then points outlive
    /// their retention.
    /// </summary>
    public const int LetGoTogether = 12;

    private static readonly TimeSpan KeepAll = TimeSpan.FromHours(2);
    private static readonly TimeSpan Week = TimeSpan.FromDays(7);

    /// <summary>
    /// Returns the points that may expire. A held point never expires, and at least one usable point always remains.
    /// </summary>
    /// <param name="points">All points, oldest first.</param>
    /// <param name="retention">How long points are kept.</param>
    /// <param name="held">Points that a user holds or a test failover uses.</param>
    public static ValueList<RecoveryPointId> Expired(
        ValueList<KeptPoint> points, TimeSpan retention, ValueList<RecoveryPointId> held)
    {
        if (points.Count <= 1)
        {
            return [];
        }

        var keep = Survivors(points, retention);
        var newestUsable = points.LastOrDefault(point => point.Usable);
        if (newestUsable is not null)
        {
            keep.Add(newestUsable.Id);
        }

        keep.UnionWith(held);
        return points.Where(point => !keep.Contains(point.Id)).Select(point => point.Id).ToValueList();
    }

    private static HashSet<RecoveryPointId> Survivors(ValueList<KeptPoint> points, TimeSpan retention)
    {
        var youngest = points[^1];
        var keep = new HashSet<RecoveryPointId> { youngest.Id };
        var buckets = new Dictionary<long, KeptPoint>();
        foreach (var point in points)
        {
            var age = youngest.Age - point.Age;
            if (age >= retention)
            {
                continue;
            }

            if (age < KeepAll)
            {
                keep.Add(point.Id);
                continue;
            }

            var bucket = Bucket(age, retention);
            if (!buckets.TryGetValue(bucket, out var best) || Rank(point) > Rank(best))
            {
                buckets[bucket] = point;
            }
        }

        keep.UnionWith(buckets.Values.Select(point => point.Id));
        return keep;
    }

    private static int Rank(KeptPoint point) =>
        (point.Usable ? 2 : 0) + (point.Point.Kind == PointKind.App ? 1 : 0);

    private static long Bucket(TimeSpan age, TimeSpan retention)
    {
        var (start, width) = retention <= TimeSpan.FromDays(1) ? (KeepAll, TimeSpan.FromHours(1))
            : retention <= Week || age < Week ? (KeepAll, TimeSpan.FromHours(2))
            : (Week, TimeSpan.FromHours(4));
        return (start + (((age - start).Ticks / width.Ticks) * width)).Ticks;
    }
}

using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.RecoveryPoints;

// Why retention has a clock of its own (I25, I26). A wall clock that jumps a year ahead would expire every point at
// once, and one that jumps back would keep them for a year. The retention clock therefore only advances when a point
// is sealed, by the difference of the two points' times, but never backwards and never by more than MaxStep. A real
// pause of several days ages the older points by MaxStep only: they outlive their retention, which is the safe
// direction, since while nothing new arrives the old points are all there is.

/// <summary>Keeps points in order and gives each its place on the retention clock.</summary>
public static class RetentionClock
{
    /// <summary>The most one new point can age the others.</summary>
    public static readonly TimeSpan MaxStep = TimeSpan.FromHours(1);

    /// <summary>
    /// Adds a point at its place in the order of (generation, LSN); the list is unchanged when it holds the id.
    /// </summary>
    public static ValueList<KeptPoint> Insert(ValueList<KeptPoint> points, RecoveryPoint point)
    {
        if (points.IndexOf(kept => kept.Id == point.Id) >= 0)
        {
            return points;
        }

        var at = points.Count;
        while (at > 0 && Compare(points[at - 1].Point, point) > 0)
        {
            at--;
        }

        var age = at == 0 ? TimeSpan.Zero : points[at - 1].Age + Step(points[at - 1].Point.Time, point.Time);
        if (at < points.Count)
        {
            age = at == 0 || age > points[at].Age ? points[at].Age : age;
        }

        return points.Insert(at, new KeptPoint(point, age));
    }

    /// <summary>The order of points: by generation, then LSN, then id.</summary>
    public static int Compare(RecoveryPoint left, RecoveryPoint right)
    {
        var order = left.Generation.CompareTo(right.Generation);
        order = order != 0 ? order : left.Lsn.CompareTo(right.Lsn);
        return order != 0 ? order : left.Id.Value.CompareTo(right.Id.Value);
    }

    private static TimeSpan Step(DateTimeOffset from, DateTimeOffset to)
    {
        var step = to - from;
        return step < TimeSpan.Zero ? TimeSpan.Zero : step > MaxStep ? MaxStep : step;
    }
}

using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.RecoveryPoints;

// Why retention has a clock of its own (I25, I26). A wall clock that jumps a year ahead would expire every point at
// once, and one that jumps back would keep points for a year. The retention clock therefore advances only when a point
// is sealed, by the time elapsed since the last one on the host's steady clock, which cannot be set. Points age by true
// time, however often wall clocks jump. The time between two runs of the host was not measured; the points' own times
// are trusted up to UnsureStep, so a restart with a clock jump costs that much and no more. No step is longer than
// MaxStep: a real pause of several days ages the older points by MaxStep only. In each of these cases points outlive
// their retention, which is the safe direction: while nothing new arrives, the old points are all there is.

/// <summary>Keeps points in order and gives each a position on the retention clock.</summary>
internal static class RetentionClock
{
    /// <summary>The most that one new point can age the others.</summary>
    public static readonly TimeSpan MaxStep = TimeSpan.FromHours(1);

    /// <summary>
    /// The most that one new point can age the others when the steady clock did not measure the time between: twice the
    /// usual interval.
    /// </summary>
    public static readonly TimeSpan UnsureStep = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Returns the list with a point inserted in the order of (generation, LSN, time), after the points that it equals
    /// in all three. The list is unchanged when it already contains the id.
    /// </summary>
    /// <param name="points">The points so far.</param>
    /// <param name="point">The new point.</param>
    /// <param name="now">When the new point was sealed, by the steady clock.</param>
    /// <param name="last">When the point before it was sealed; null when unknown.</param>
    public static ValueList<KeptPoint> Insert(
        ValueList<KeptPoint> points, RecoveryPoint point, SteadyInstant now, SteadyInstant? last)
    {
        if (points.IndexOf(kept => kept.Id == point.Id) >= 0)
        {
            return points;
        }

        var at = PlaceOf(points, point);
        if (at < points.Count)
        {
            // A late point: as old as the one behind it, so that no order of arrival ages any point.
            return points.Insert(at, new KeptPoint(point, points[at].Age));
        }

        var age = at == 0 ? TimeSpan.Zero : points[^1].Age + (last is { } before && now.Since(before) is { } passed
            ? Between(passed, MaxStep) : Between(point.Time - points[^1].Point.Time, UnsureStep));
        return points.Insert(at, new KeptPoint(point, age));
    }

    /// <summary>
    /// Returns the list with a point inserted by the points' own times, for events from before the steady clock's time
    /// was recorded.
    /// </summary>
    public static ValueList<KeptPoint> Insert(ValueList<KeptPoint> points, RecoveryPoint point)
    {
        if (points.IndexOf(kept => kept.Id == point.Id) >= 0)
        {
            return points;
        }

        var at = PlaceOf(points, point);

        var age = at == 0 ? TimeSpan.Zero : points[at - 1].Age
            + Between(point.Time - points[at - 1].Point.Time, MaxStep);
        if (at < points.Count)
        {
            age = at == 0 || age > points[at].Age ? points[at].Age : age;
        }

        return points.Insert(at, new KeptPoint(point, age));
    }

    /// <summary>
    /// Compares points by generation, then LSN, then time (of two between which nothing was written). Points that are
    /// equal in all three hold the same data; they stay in the order in which they were sealed, so that the latest is
    /// the one sealed last.
    /// </summary>
    public static int Compare(RecoveryPoint left, RecoveryPoint right)
    {
        var order = left.Generation.CompareTo(right.Generation);
        order = order != 0 ? order : left.Lsn.CompareTo(right.Lsn);
        return order != 0 ? order : left.Time.CompareTo(right.Time);
    }

    private static int PlaceOf(ValueList<KeptPoint> points, RecoveryPoint point)
    {
        var at = points.Count;
        while (at > 0 && Compare(points[at - 1].Point, point) > 0)
        {
            at--;
        }

        return at;
    }

    private static TimeSpan Between(TimeSpan step, TimeSpan most) =>
        step < TimeSpan.Zero ? TimeSpan.Zero : step > most ? most : step;
}

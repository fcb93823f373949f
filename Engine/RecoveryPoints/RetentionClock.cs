using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.RecoveryPoints;

// Why retention has a clock of its own (I25, I26). A wall clock that jumps a year ahead would expire every point at
// once, and one that jumps back would keep them for a year. The retention clock therefore only advances when a point
// is sealed, by what passed since the last one on the host's steady clock, which no one can set: however often wall
// clocks jump, points age by true time. Between two lives of the host nobody measured, and the points' own times say
// how long that was; they are believed up to UnsureStep, so that a restart with a jump costs that much and no more.
// And no step is longer than MaxStep: a real pause of several days ages the older points by MaxStep only. In all of
// this points outlive their retention rather than the other way round, which is the safe direction, since while
// nothing new arrives the old points are all there is.

/// <summary>Keeps points in order and gives each its place on the retention clock.</summary>
internal static class RetentionClock
{
    /// <summary>The most one new point can age the others.</summary>
    public static readonly TimeSpan MaxStep = TimeSpan.FromHours(1);

    /// <summary>The most it can when the steady clock did not see the time between: twice the usual distance.</summary>
    public static readonly TimeSpan UnsureStep = TimeSpan.FromMinutes(10);

    /// <summary>
    /// Adds a point at its place in the order of (generation, LSN); the list is unchanged when it holds the id.
    /// </summary>
    /// <param name="points">The points so far.</param>
    /// <param name="point">The new one.</param>
    /// <param name="now">When it was sealed.</param>
    /// <param name="last">When the one before was; null when that is not known.</param>
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
            // A late one: as old as the one behind it, so that no order of arrival ages any point.
            return points.Insert(at, new KeptPoint(point, points[at].Age));
        }

        var age = at == 0 ? TimeSpan.Zero : points[^1].Age + (last is { } before && now.Since(before) is { } passed
            ? Between(passed, MaxStep) : Between(point.Time - points[^1].Point.Time, UnsureStep));
        return points.Insert(at, new KeptPoint(point, age));
    }

    /// <summary>
    /// Adds a point as above by the points' own times, for events of before the steady clock's time was kept.
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
    /// The order of points: by generation, then LSN, then time (of two between which nothing was written), then id.
    /// </summary>
    public static int Compare(RecoveryPoint left, RecoveryPoint right)
    {
        var order = left.Generation.CompareTo(right.Generation);
        order = order != 0 ? order : left.Lsn.CompareTo(right.Lsn);
        order = order != 0 ? order : left.Time.CompareTo(right.Time);
        return order != 0 ? order : left.Id.Value.CompareTo(right.Id.Value);
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

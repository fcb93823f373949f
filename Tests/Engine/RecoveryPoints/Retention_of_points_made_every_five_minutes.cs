using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;
using Xunit;

namespace ReplicationEngine.Tests.Engine.RecoveryPoints;

public sealed class Retention_of_points_made_every_five_minutes
{
    private static readonly DateTimeOffset Start = new(2024, 3, 4, 9, 0, 0, TimeSpan.Zero);

    [Theory]
    [Trait("Req", "RCP-4")]
    [InlineData(1, 46)]
    [InlineData(3, 59)]
    [InlineData(7, 107)]
    [InlineData(15, 155)]
    public void Settles_at_the_known_set_sizes(int days, int expected)
    {
        var retention = TimeSpan.FromDays(days);
        var points = Sealed(TimeSpan.FromDays(days + 2), retention, []);
        var sizes = new HashSet<int>();
        for (var more = 0; more < 288; more++)
        {
            points = Next(points, retention, TimeSpan.FromMinutes(5));
            sizes.Add(points.Count);
        }

        Assert.Equal([expected], sizes);
    }

    [Fact]
    public void Of_zero_keeps_only_the_latest()
    {
        Assert.Single(Sealed(TimeSpan.FromHours(3), TimeSpan.Zero, []));
    }

    [Fact]
    public void Keeps_all_points_of_the_last_two_hours_then_one_an_hour()
    {
        var points = Sealed(TimeSpan.FromDays(2), TimeSpan.FromDays(1), []);
        var ages = points.Select(point => points[^1].Age - point.Age).Reverse().ToList();

        Assert.Equal(Enumerable.Range(0, 24).Select(n => TimeSpan.FromMinutes(5 * n)), ages.Take(24));
        Assert.All(ages.Skip(24).Zip(ages.Skip(25)), pair =>
            Assert.Equal(TimeSpan.FromHours(1), pair.Second - pair.First));
    }

    [Fact]
    public void Prefers_an_application_consistent_point_in_a_bucket()
    {
        var points = Sealed(TimeSpan.FromHours(1), TimeSpan.FromDays(1), []);
        var (_, app) = Add(points, TimeSpan.FromMinutes(5), PointKind.App);
        points = Add(points, TimeSpan.FromMinutes(5), PointKind.App).Points;
        for (var more = 0; more < 60; more++)
        {
            points = Next(points, TimeSpan.FromDays(1), TimeSpan.FromMinutes(5));
        }

        Assert.Contains(points, point => point.Id == app);
    }

    [Theory]
    [Trait("Req", "I25")]
    [Trait("Req", "I26")]
    [InlineData(365)]
    [InlineData(-365)]
    public void Loses_next_to_nothing_when_the_clock_jumps_by_a_year_and_back(int days)
    {
        var retention = TimeSpan.FromDays(3);
        var points = Sealed(TimeSpan.FromDays(5), retention, []);
        var jumped = Next(points, retention, TimeSpan.FromDays(days));
        var back = Next(jumped, retention, TimeSpan.FromDays(-days));

        Assert.True(back.Count >= points.Count - 13, $"{points.Count} points became {back.Count}.");
        var span = back[^1].Age - back[0].Age;
        Assert.True(span > retention - TimeSpan.FromHours(4), $"Only {span} is left.");
    }

    [Fact]
    [Trait("Req", "I26")]
    public void Goes_on_as_before_after_the_clock_was_set_back()
    {
        var retention = TimeSpan.FromDays(1);
        var points = Next(Sealed(TimeSpan.FromDays(2), retention, []), retention, TimeSpan.FromDays(-365));
        for (var more = 0; more < 288 * 2; more++)
        {
            points = Next(points, retention, TimeSpan.FromMinutes(5));
        }

        Assert.Equal(46, points.Count);
    }

    [Fact]
    [Trait("Req", "I25")]
    public void Never_takes_a_held_point_the_newest_or_the_last_usable_one() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(300).WithQuietOnSuccess(true),
        Prop.ForAll(Gen.Choose(0, 5_000).ArrayOf(60).ToArbitrary(), Gen.Choose(0, 20).ToArbitrary(), (steps, days) =>
        {
            ValueList<KeptPoint> points = [];
            foreach (var (index, step) in steps.Index())
            {
                points = Add(points, TimeSpan.FromMinutes(step - 50), (PointKind)(1 + (step % 2))).Points;
                points = step % 5 == 0
                    ? points.SetItem(index, points[index] with { UnusableBecause = "Digest differs." })
                    : points;
            }

            var held = points.Where((_, index) => index % 17 == 0).Select(point => point.Id).ToValueList();
            var expired = Retention.Expired(points, TimeSpan.FromDays(days), held);
            var kept = points.RemoveAll(point => expired.Contains(point.Id));

            Assert.DoesNotContain(held, id => expired.Contains(id));
            Assert.Equal(points[^1], kept[^1]);
            Assert.Equal(points.Any(point => point.Usable), kept.Any(point => point.Usable));
            Assert.Empty(Retention.Expired(kept, TimeSpan.FromDays(days), held));
        }));

    [Fact]
    [Trait("Req", "I25")]
    [Trait("Req", "I26")]
    public void Wall_clocks_that_jump_again_and_again_age_nothing()
    {
        ValueList<KeptPoint> points = [];
        SteadyInstant? last = null;
        for (var made = 0; made < 24; made++)
        {
            var now = new SteadyInstant(Start, Start.AddMinutes(5 * made));
            points = RetentionClock.Insert(points, Point(made + 1, Start.AddYears(made)), now, last);
            last = now;
        }

        Assert.Equal(TimeSpan.FromMinutes(115), points[^1].Age - points[0].Age);
        Assert.Empty(Retention.Expired(points, TimeSpan.FromDays(1), []));
    }

    [Fact]
    [Trait("Req", "I25")]
    public void Between_two_lives_of_the_host_a_jump_ages_the_points_by_a_small_step()
    {
        ValueList<KeptPoint> points = RetentionClock.Insert([], Point(1, Start), Steady(0, 0), null);
        points = RetentionClock.Insert(points, Point(2, Start.AddYears(1)), Steady(1, 0), Steady(0, 0));
        Assert.Equal(RetentionClock.UnsureStep, points[1].Age - points[0].Age);
        points = RetentionClock.Insert(points, Point(3, Start.AddYears(1).AddMinutes(4)), Steady(2, 0), Steady(1, 0));
        Assert.Equal(TimeSpan.FromMinutes(4), points[2].Age - points[1].Age);
        points = RetentionClock.Insert(points, Point(4, Start.AddYears(-1)), Steady(2, 90), Steady(2, 0));
        Assert.Equal(RetentionClock.MaxStep, points[3].Age - points[2].Age);
    }

    [Fact]
    [Trait("Req", "I25")]
    public void A_point_that_arrives_late_ages_none()
    {
        var points = RetentionClock.Insert([], Point(1, Start), Steady(0, 0), null);
        points = RetentionClock.Insert(points, Point(3, Start.AddMinutes(10)), Steady(0, 10), Steady(0, 0));
        points = RetentionClock.Insert(points, Point(2, Start.AddMinutes(5)), Steady(0, 11), Steady(0, 10));
        Assert.Equal([1, 2, 3], points.Select(kept => (int)kept.Point.Lsn.Value));
        Assert.Equal(
            [TimeSpan.Zero, TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(10)], points.Select(kept => kept.Age));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [Trait("Req", "FOV-4")]
    public void Of_points_between_which_nothing_was_written_the_latest_is_the_one_sealed_last(int first, int second)
    {
        var before = Point(first, Start) with { Lsn = new Lsn(7) };
        var after = Point(second, Start) with { Lsn = new Lsn(7) };

        var points = RetentionClock.Insert([], before, Steady(0, 0), null);
        points = RetentionClock.Insert(points, after, Steady(0, 5), Steady(0, 0));

        Assert.Equal([before.Id, after.Id], points.Select(kept => kept.Id));
    }

    private static SteadyInstant Steady(int life, int minutes) => new(Start.AddDays(life), Start.AddMinutes(minutes));

    private static RecoveryPoint Point(int number, DateTimeOffset time) => new(
        new RecoveryPointId(new Guid(number, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])), time, PointKind.Crash, new Generation(1),
        new Lsn(number), PointGrade.Received);

    private static ValueList<KeptPoint> Sealed(TimeSpan time, TimeSpan retention, ValueList<KeptPoint> points)
    {
        for (var made = 0; made < time / TimeSpan.FromMinutes(5); made++)
        {
            points = Next(points, retention, TimeSpan.FromMinutes(5));
        }

        return points;
    }

    private static ValueList<KeptPoint> Next(ValueList<KeptPoint> points, TimeSpan retention, TimeSpan after)
    {
        var (more, _) = Add(points, after, PointKind.Crash);
        var expired = Retention.Expired(more, retention, []);
        return more.RemoveAll(point => expired.Contains(point.Id));
    }

    private static (ValueList<KeptPoint> Points, RecoveryPointId Id) Add(
        ValueList<KeptPoint> points, TimeSpan after, PointKind kind)
    {
        var lsn = points.Count == 0 ? 1 : points[^1].Point.Lsn.Value + 1;
        var time = points.Count == 0 ? Start : points[^1].Point.Time + after;
        var id = new RecoveryPointId(new Guid((int)lsn, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0]));
        return (RetentionClock.Insert(
            points, new RecoveryPoint(id, time, kind, new Generation(1), new Lsn(lsn), PointGrade.Received)), id);
    }
}

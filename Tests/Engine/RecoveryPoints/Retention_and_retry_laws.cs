using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.Properties;
using Xunit;

namespace ReplicationEngine.Tests.Engine.RecoveryPoints;

/// <summary>Retention and retries against what their tables say, worked out in another way.</summary>
public sealed class Retention_and_retry_laws
{
    private delegate ValueList<RecoveryPointId> Rule(
        ValueList<KeptPoint> points, TimeSpan retention, ValueList<RecoveryPointId> held);

    private static readonly Arbitrary<int> Hours = Gen.Choose(0, 15 * 24).ToArbitrary();

    [Fact]
    [Trait("Req", "RCP-4")]
    public void A_point_every_five_minutes_settles_at_the_set_size_of_any_retention() =>
        Laws.Hold(12, Prop.ForAll(Hours, hours => Settles(Retention.Expired, hours)));

    [Fact]
    public void A_retention_that_keeps_four_hours_too_many_is_found() => Laws.Fail(12, Prop.ForAll(
        Hours,
        hours => Settles(
            (points, time, held) => Retention.Expired(points, time + TimeSpan.FromHours(4), held), hours)));

    [Fact]
    [Trait("Req", "ERR-1")]
    public void Delays_after_failures_never_fall_and_follow_the_table_for_every_count() =>
        Laws.Hold(500, Prop.ForAll<int>(failures => FollowsTheTable(RetrySchedule.DelayAfter, failures)));

    [Fact]
    public void A_schedule_that_doubles_for_ever_is_found() => Laws.Fail(500, Prop.ForAll<int>(
        failures => FollowsTheTable(count => TimeSpan.FromMinutes(1L << Math.Clamp(count - 1, 0, 40)), failures)));

    private static void FollowsTheTable(Func<int, TimeSpan> delayAfter, int failures)
    {
        int[] table = [1, 2, 4, 8, 10, 30];
        Assert.Equal(table[Math.Clamp(failures, 1, table.Length) - 1], delayAfter(failures).TotalMinutes);
        Assert.True(failures == int.MaxValue || delayAfter(failures + 1) >= delayAfter(failures));
    }

    private static void Settles(Rule rule, int hours)
    {
        ValueList<KeptPoint> points = [];
        var made = 0;
        for (var total = ((hours + 12) * 12) + 1; made < total; made++)
        {
            points = RetentionClock.Insert(points, new RecoveryPoint(
                new RecoveryPointId(new Guid(made + 1, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])),
                DateTimeOffset.UnixEpoch.AddMinutes(5 * made), PointKind.Crash, new Generation(1), new Lsn(made + 1),
                PointGrade.Received));
            var expired = rule(points, TimeSpan.FromHours(hours), []);
            points = points.RemoveAll(point => expired.Contains(point.Id));
        }

        // Where the last bucket is not whole it is empty now and then.
        Assert.InRange(points.Count, SetSize(hours) - (IsAligned(hours) ? 0 : 1), SetSize(hours));
        var ages = points.Select(point => points[^1].Age - point.Age).ToList();
        Assert.All(ages.Where(age => age > TimeSpan.Zero), age => Assert.True(age < TimeSpan.FromHours(hours)));
    }

    // All of two hours, one an hour to a day; one in two hours to a week; one in four behind it. A bucket begun counts.
    private static int SetSize(int hours) => hours switch
    {
        0 => 1,
        <= 2 => hours * 12,
        <= 24 => 24 + (hours - 2),
        <= 168 => 24 + Buckets(hours - 2, 2),
        _ => 24 + Buckets(166, 2) + Buckets(hours - 168, 4),
    };

    private static bool IsAligned(int hours) => hours switch
    {
        <= 24 => true,
        <= 168 => hours % 2 == 0,
        _ => hours % 4 == 0,
    };

    private static int Buckets(int hours, int width) => (hours + width - 1) / width;
}

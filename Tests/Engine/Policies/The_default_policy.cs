using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.Scenarios;
using Xunit;

namespace ReplicationEngine.Tests.Engine.Policies;

public sealed class The_default_policy
{
    [Fact]
    [Trait("Req", "POL-1")]
    public void Keeps_points_for_a_day_without_application_consistent_ones_and_makes_one_every_five_minutes()
    {
        var policy = ReplicationPolicy.Default;

        Assert.Equal(
            (TimeSpan.FromHours(24), TimeSpan.Zero, TimeSpan.FromMinutes(5)),
            (policy.Retention, policy.AppConsistentEvery, ReplicationPolicy.CrashConsistentEvery));
        Assert.All(ScenarioCatalog.All, scenario => Assert.Empty(policy.Problems(scenario)));
    }
}

public sealed class A_policy_that_breaks_a_rule
{
    [Theory]
    [Trait("Req", "POL-2")]
    [Trait("Req", "POL-3")]
    [InlineData("SCN-2", 15 * 24, 12, 0)]
    [InlineData("SCN-2", (15 * 24) + 1, 0, 1)]
    [InlineData("SCN-3", -1, 0, 1)]
    [InlineData("SCN-3", 24, 13, 1)]
    [InlineData("SCN-2", 12, 12, 1)]
    [InlineData("SCN-2", 0, 1, 1)]
    [InlineData("SCN-1", 24, 23, 0)]
    public void Is_refused_for_each_rule(string scenario, int retentionHours, int appHours, int problems)
    {
        var policy = ReplicationPolicy.Default with
        {
            Retention = TimeSpan.FromHours(retentionHours), AppConsistentEvery = TimeSpan.FromHours(appHours),
        };

        Assert.Equal(problems, policy.Problems(ScenarioCatalog.Find(scenario)!).Count);
    }

    [Fact]
    public void Is_refused_for_every_rule_at_once()
    {
        var policy = ReplicationPolicy.Default with
        {
            Name = " ", Retention = TimeSpan.FromDays(99), RpoThreshold = TimeSpan.Zero,
                AppConsistentEvery = TimeSpan.FromMinutes(1),
        };

        Assert.Equal(4, policy.Problems(ScenarioCatalog.Find("scn-2")!).Count);
    }
}

public sealed class A_daily_window
{
    private static readonly DailyWindow Berlin = new(new TimeOnly(18, 30), new TimeOnly(6, 0), TimeSpan.FromHours(1));

    [Theory]
    [Trait("Req", "RES-6")]
    [InlineData("2024-03-04T17:29:59Z", false)]
    [InlineData("2024-03-04T17:30:00Z", true)]
    [InlineData("2024-03-04T23:30:00Z", true)]
    [InlineData("2024-03-05T04:59:59Z", true)]
    [InlineData("2024-03-05T05:00:00Z", false)]
    public void Spans_midnight_in_its_own_time_zone(string instant, bool inside)
    {
        Assert.Equal(inside, Berlin.Contains(DateTimeOffset.Parse(instant)));
    }

    [Theory]
    [InlineData("2024-03-04T12:00:00Z", "2024-03-04T17:30:00Z")]
    [InlineData("2024-03-04T17:30:00Z", "2024-03-05T17:30:00Z")]
    [InlineData("2024-03-04T23:59:00Z", "2024-03-05T17:30:00Z")]
    public void Opens_next_strictly_later(string instant, string next)
    {
        Assert.Equal(DateTimeOffset.Parse(next), Berlin.NextStart(DateTimeOffset.Parse(instant)));
        Assert.True(Berlin.Contains(Berlin.NextStart(DateTimeOffset.Parse(instant))));
    }

    [Fact]
    public void With_equal_ends_is_the_whole_day()
    {
        var always = new DailyWindow(new TimeOnly(3, 0), new TimeOnly(3, 0), TimeSpan.Zero);

        Assert.True(always.Contains(new DateTimeOffset(2024, 3, 4, 2, 59, 0, TimeSpan.Zero)));
    }
}

public sealed class The_retry_schedule
{
    [Fact]
    [Trait("Req", "ERR-1")]
    public void Is_1_2_4_8_10_and_then_30_minutes()
    {
        Assert.Equal(
            [1, 2, 4, 8, 10, 30, 30],
            Enumerable.Range(1, 7).Select(failures => RetrySchedule.DelayAfter(failures).TotalMinutes));
    }
}

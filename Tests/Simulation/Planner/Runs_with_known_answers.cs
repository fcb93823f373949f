using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;
using Xunit;

namespace ReplicationEngine.Tests.Simulation.Planner;

/// <summary>Cases whose answer follows from a formula.</summary>
public sealed class Runs_with_known_answers
{
    private const double MiB = 1024 * 1024;
    private const double GiB = 1024 * MiB;

    [Fact]
    public void Churn_below_the_link_leaves_nothing_but_what_is_on_its_way()
    {
        var run = Worlds.Run();
        Assert.InRange(run.Risk.Max, 0.2, 0.22);
        Assert.Equal(0, run.Series.Backlog.Max(), 100.0);
        Assert.Empty(run.Alerts);
        Assert.Empty(run.Resyncs);
        Assert.Equal(86400 * MiB, run.Vms[0].Written, MiB);
        Assert.Equal(86400 * MiB, run.Vms[0].Sent, 10 * MiB);
        Assert.InRange(run.Vms[0].PointsMade, 287, 289);
    }

    [Fact]
    public void Churn_above_the_link_lets_the_backlog_grow_by_exactly_the_difference()
    {
        var run = Worlds.Run(
            "duration=30 min", "links.wan.bandwidth=0.5 MiB/s", "policies.p.cacheLimit=64 GiB");
        for (var i = 2; i < run.Series.Slices; i++)
        {
            var seconds = 1800.0 * (i + 1) / run.Series.Slices;
            Assert.Equal(0.5 * MiB * (seconds - 60), run.Series.Backlog[i], 0.5 * MiB * 62);
        }

        // The lag is the time whose writes wait: half of the time that has passed.
        Assert.InRange(run.Risk.Max, 895, 902);
    }

    [Fact]
    public void The_log_s_limit_turns_to_the_dirty_map_when_the_difference_has_filled_it()
    {
        // 1 GiB fills up at 0.5 MiB/s in 2048 s; at half of it, another 1024 s later, the resync begins.
        var run = Worlds.Run(
            "duration=2 h", "links.wan.bandwidth=0.5 MiB/s", "policies.p.cacheLimit=1 GiB");
        var first = run.Resyncs[0];
        Assert.Equal("DirtyMap", first.Reason);
        Assert.Equal(2048 + 1024, first.From.TotalSeconds, 65.0);
        Assert.Contains(run.Alerts, alert => alert.Kind == "CacheFull");
    }

    [Fact]
    public void Half_of_the_disk_is_the_limit_when_the_log_may_be_larger()
    {
        var run = Worlds.Run(
            "duration=3 h", "links.wan.bandwidth=0.5 MiB/s", "policies.p.cacheLimit=64 GiB",
            "vms.vm.disks=[{\"size\":\"2 GiB\"}]");
        Assert.Contains("LogHalfOfDisk", run.Resyncs[0].Reason, StringComparison.Ordinal);
        Assert.InRange(run.Series.Backlog.Max(), 0.99 * GiB, 1.0 * GiB);
    }

    [Fact]
    public void A_resync_sends_no_more_than_the_blocks_that_differ()
    {
        // For an hour and more only marks are made: 4 GiB are written over a working set of 512 MiB.
        var run = Worlds.Run(
            "duration=6 h", "policies.p.cacheLimit=64 MiB", "vms.vm.workingSet=512 MiB",
            "outages=[{\"name\":\"o\",\"kind\":\"link\",\"target\":\"wan\",\"at\":\"1 h\",\"for\":\"70 min\"}]");
        var resync = Assert.Single(run.Resyncs);
        Assert.True(resync.Completed);
        Assert.InRange(resync.SentBytes, 510 * MiB, 512.1 * MiB);
        Assert.InRange(resync.ReadBytes, 510 * MiB, 512.1 * MiB);
    }

    [Fact]
    public void An_outage_of_the_link_puts_as_much_at_risk_as_it_lasts()
    {
        var run = Worlds.Run(
            "outages=[{\"name\":\"o\",\"kind\":\"link\",\"target\":\"wan\",\"at\":\"6 h\",\"for\":\"40 min\"}]");
        var outage = Assert.Single(run.Outages);
        Assert.InRange(outage.RiskMax, 2400 - 60, 2400 + 10);
        Assert.InRange(outage.Backlog, 2340 * MiB, 2410 * MiB);
        Assert.Equal(0, outage.DownMax);

        // It is sent at the link's rate less the churn: 2,400 s of 1 MiB/s at 9 MiB/s.
        var normal = (outage.NormalAt - outage.To)!.Value.TotalSeconds;
        Assert.InRange(normal, 2400.0 / 9, (2400.0 / 9) + 120);
        Assert.Contains(run.Alerts, alert => alert.Kind == "AgentDisconnected");
    }

    [Fact]
    public void A_failover_loses_what_was_written_since_the_link_broke()
    {
        var run = Worlds.Run(
            "outages=[{\"name\":\"o\",\"kind\":\"link\",\"target\":\"wan\",\"at\":\"6 h\",\"for\":\"1 d\"}]",
            "failovers=[{\"name\":\"f\",\"vms\":[\"*\"],\"on\":\"o\",\"after\":\"30 min\"}]");
        var failover = Assert.Single(run.Failovers);
        Assert.Equal(1805.2, failover.RpoSeconds!.Value, 0.2);
        Assert.Equal(1805.2 * MiB, failover.LostBytes, 0.2 * MiB);
        Assert.True(failover.RpoBoundSeconds >= failover.RpoSeconds);
        Assert.Equal(5, failover.RtoSeconds!.Value, 0.1);
        Assert.Equal(1800 + 5 + 120, failover.DowntimeSeconds!.Value, 0.1);
    }

    [Fact]
    public void What_is_on_its_way_to_the_latest_point_is_waited_for_as_long_as_the_product_does()
    {
        // The backlog takes an hour to go over: after 30 s the runner goes on with what was received.
        var run = Worlds.Run(
            "duration=2 h", "links.wan.bandwidth=0.5 MiB/s", "policies.p.cacheLimit=64 GiB",
            "failovers=[{\"name\":\"f\",\"vms\":[\"*\"],\"kind\":\"test\",\"at\":\"1 h\"}]");
        Assert.Equal(5 + 30, Assert.Single(run.Failovers).RtoSeconds!.Value, 0.3);
    }

    [Fact]
    public void A_stream_that_brings_nothing_is_not_waited_for()
    {
        var run = Worlds.Run(
            "duration=2 h", "links.wan.bandwidth=0.5 MiB/s", "policies.p.cacheLimit=64 GiB",
            "outages=[{\"name\":\"o\",\"kind\":\"target-full\",\"at\":\"1 h\",\"for\":\"30 min\"}]",
            "failovers=[{\"name\":\"f\",\"vms\":[\"*\"],\"on\":\"o\",\"after\":\"10 min\","
            + "\"kind\":\"test\"}]");
        Assert.InRange(Assert.Single(run.Failovers).RtoSeconds!.Value, 5 + 1.5, 5 + 2);
    }

    [Fact]
    public void An_agent_counts_as_away_when_the_product_says_so()
    {
        var run = Worlds.Run(
            "outages=[{\"name\":\"o\",\"kind\":\"link\",\"target\":\"wan\",\"at\":\"6 h\",\"for\":\"40 min\"}]");
        var away = Assert.Single(run.Alerts, alert => alert.Kind == "AgentDisconnected");
        Assert.Equal(
            2400 - ControlLimits.SilentTooLong.TotalSeconds + OutageWorld.ReconnectTime.TotalSeconds, away.Seconds,
            0.1);
    }

    [Fact]
    public void A_planned_failover_and_its_way_back_lose_nothing()
    {
        var run = Worlds.Run("failovers=[{\"name\":\"f\",\"vms\":[\"*\"],\"kind\":\"planned\",\"at\":\"2 h\","
            + "\"commit\":\"10 min\",\"reprotect\":\"10 min\",\"failback\":\"1 h\"}]");
        var failover = Assert.Single(run.Failovers);
        Assert.Equal(0, failover.RpoSeconds);
        Assert.Equal(0, failover.LostBytes);
        Assert.NotNull(failover.Returned);
        Assert.Equal("protected", run.Vms[0].Phase);
        Assert.Empty(run.Refusals);
    }

    [Fact]
    public void Points_are_kept_by_the_engine_s_own_rule()
    {
        var run = Worlds.Run("duration=4 d", "policies.p.retention=3 d");
        ValueList<KeptPoint> points = [];
        var start = DateTimeOffset.UnixEpoch;
        for (var i = 0; i < run.Vms[0].PointsMade; i++)
        {
            points = RetentionClock.Insert(points, new RecoveryPoint(
                new RecoveryPointId(new Guid(i, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)), start + (TimeSpan.FromMinutes(5) * i),
                PointKind.Crash, new Generation(1), new Lsn(i + 1), PointGrade.Received));
            var gone = Retention.Expired(points, TimeSpan.FromDays(3), []);
            points = points.RemoveAll(point => gone.Contains(point.Id));
        }

        // The run's points are a few milliseconds apart from full steps, which moves one over an edge at most.
        Assert.InRange(run.Vms[0].PointsKept, points.Count - 1, points.Count + 1);
        Assert.InRange(run.Vms[0].PointsKept, 57, 61);
    }

    [Fact]
    public void Machines_share_a_link_fairly()
    {
        var run = Worlds.Run("duration=1 h", "vms.vm.count=4", "links.wan.bandwidth=2 MiB/s",
            "policies.p.cacheLimit=64 GiB");
        Assert.All(run.Vms, vm => Assert.Equal(1800 * MiB, vm.Sent, 5 * MiB));
        Assert.Equal(1, run.Links[0].BusyShare, 0.03);
    }

    [Fact]
    public void What_is_written_touches_no_more_than_the_working_set()
    {
        var spread = new WriteSpread(GiB, 16 * 1024);
        Assert.Equal(0, spread.BlocksOf(0));
        Assert.Equal(64 * 1024, spread.BlocksOf(16 * 1024), 64.0);
        Assert.Equal(GiB, spread.BlocksOf(100 * GiB), 1.0);
        Assert.True(spread.ExtentsOf(10 * MiB) > spread.BlocksOf(10 * MiB));
        Assert.True(spread.DistinctOf(10 * MiB) <= 10 * MiB);
    }

    [Fact]
    public void The_model_s_numbers_are_the_product_s()
    {
        var clean = new LinkQuality(1e9, TimeSpan.FromMilliseconds(50), 0);
        Assert.Equal(new SendOptions().LogWindowBytes / 0.1, LinkFlow.PerConnection(clean), 1.0);
        Assert.Equal(new ReceiveOptions().SyncInterval, OutageWorld.SyncInterval);
        Assert.True(Worlds.With().Assumptions.AgentLostAfter >= new ReceiveOptions().PeerTimeout);

        // 1 % of loss at 100 ms round trip: 1.22 x 1460 B / (0.1 s x 0.1).
        Assert.Equal(178_120, LinkFlow.PerConnection(clean with { Loss = 0.01 }), 1.0);
    }

    [Fact]
    public void Quantiles_are_right_within_two_per_cent()
    {
        var histogram = new Histogram();
        for (var i = 1; i <= 10_000; i++)
        {
            histogram.Add(i);
        }

        Assert.InRange(histogram.Quantile(0.5), 4900, 5100);
        Assert.InRange(histogram.Quantile(0.99), 9700, 10_000);
        Assert.Equal(10_000, histogram.Quantile(1));
    }
}

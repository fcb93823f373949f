using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Reports;
using ReplicationEngine.Simulation.Planner.Scenarios;
using Xunit;

namespace ReplicationEngine.Tests.Simulation.Planner;

public sealed class Same_and_what_if
{
    private const string Trouble = "outages=[{\"name\":\"drop\",\"kind\":\"link\",\"target\":\"wan\","
        + "\"meanTimeBetween\":\"4 h\",\"meanDuration\":\"10 min\"},{\"name\":\"crash\",\"kind\":\"host\","
        + "\"target\":\"*\",\"meanTimeBetween\":\"12 h\",\"meanDuration\":\"5 min\"}]";

    private static readonly string[] Small = ["duration=2 d", "vms.vm.count=3", Trouble];

    [Fact]
    public void The_same_scenario_gives_the_same_report()
    {
        var (one, two) = (Worlds.Run(Small), Worlds.Run(Small));
        Assert.Equal(one.Trace, two.Trace);
        Assert.Equal(Report(one), Report(two));
        Assert.Equal(
            HtmlReport.Write(new Comparison("x", one, null, [], [])),
            HtmlReport.Write(new Comparison("x", two, null, [], [])));
    }

    [Fact]
    public void Another_seed_gives_other_outages()
    {
        var (one, two) = (Worlds.Run(Small), Worlds.Run([.. Small, "seed=2"]));
        Assert.NotEqual(one.Trace, two.Trace);
        Assert.NotEqual(one.Outages.Select(o => o.From), two.Outages.Select(o => o.From));
    }

    [Fact]
    public void Another_link_moves_no_outage_and_changes_no_write()
    {
        var (one, two) = (Worlds.Run(Small), Worlds.Run([.. Small, "links.wan.bandwidth=3 MiB/s"]));
        Assert.Equal(one.Outages.Select(o => (o.Name, o.Target, o.From, o.To)),
            two.Outages.Select(o => (o.Name, o.Target, o.From, o.To)));
        Assert.Equal(one.Vms.Select(Written), two.Vms.Select(Written));
        Assert.Equal(one.Vms.Select(vm => vm.DownSeconds), two.Vms.Select(vm => vm.DownSeconds));
    }

    [Fact]
    public void Another_retention_changes_the_points_kept_and_what_is_stored_and_nothing_else()
    {
        var (one, two) = (Worlds.Run(Small), Worlds.Run([.. Small, "policies.*.retention=2 h"]));
        Assert.True(one.Vms.Sum(vm => vm.PointsKept) > two.Vms.Sum(vm => vm.PointsKept));
        Assert.True(one.Series.Stored[^1] > two.Series.Stored[^1]);
        Assert.Equal(one.Vms.Select(Written), two.Vms.Select(Written));
        Assert.Equal(one.Vms.Select(vm => Math.Round(vm.Sent)), two.Vms.Select(vm => Math.Round(vm.Sent)));
        Assert.Equal(one.Vms.Select(vm => vm.PointsMade), two.Vms.Select(vm => vm.PointsMade));
        Assert.Equal(one.Risk.Max, two.Risk.Max);
        Assert.Equal(
            one.Resyncs.Select(r => (r.Vm, r.Reason, r.From)), two.Resyncs.Select(r => (r.Vm, r.Reason, r.From)));
    }

    [Fact]
    public void What_is_set_to_what_it_was_changes_nothing()
    {
        var (one, two) = (Worlds.Run(Small), Worlds.Run([.. Small, "links.wan.latency=10 ms", "vms.*.policy=p"]));
        Assert.Equal(Report(one), Report(two));
    }

    [Fact]
    public void A_recorded_log_is_replayed_with_its_churn_outages_and_failovers()
    {
        var lines = new List<string>();
        var scenario = Worlds.With("duration=14 h",
            "outages=[{\"name\":\"o\",\"kind\":\"link\",\"target\":\"wan\",\"at\":\"3 h\",\"for\":\"1 h\"}]",
            "failovers=[{\"name\":\"f\",\"vms\":[\"*\"],\"kind\":\"planned\",\"at\":\"9 h\",\"commit\":\"10 min\","
            + "\"reprotect\":\"10 min\",\"failback\":\"1 h\"}]");
        var original = OutageRun.Run(scenario, stored: (_, e) => lines.Add(RecordedLog.Line(
            e, Persistence.Serialization.ProtectedVms.ProtectedVmCodec.ToJson(e.Name, e.Payload))));

        var log = RecordedLog.Parse(lines, "vm.jsonl", RecordedLog.UsualWriteSize);
        var replayed = OutageRun.Run(new ScenarioSource(NodeReader.Read(log.Json, "log"), null).Read(
            [
                new ScenarioChange("links.link.bandwidth", "10 MiB/s"),
                new ScenarioChange("links.link.latency", "10 ms"),
            ]));

        Assert.Contains(log.Notes, note => note.Contains("no link", StringComparison.Ordinal));
        var (before, after) = (Assert.Single(original.Outages), Assert.Single(replayed.Outages));
        Assert.Equal(before.From.TotalSeconds, after.From.TotalSeconds, 30.0);
        Assert.Equal((before.To - before.From).TotalSeconds, (after.To - after.From).TotalSeconds, 90.0);
        Assert.Equal(before.RiskMax, after.RiskMax, 120.0);
        var failover = Assert.Single(replayed.Failovers);
        Assert.Equal(original.Failovers[0].Ordered.TotalSeconds, failover.Ordered.TotalSeconds, 2.0);
        Assert.Equal(0, failover.RpoSeconds);
        Assert.NotNull(failover.Returned);

        // The log tells of writes up to the failover, and after the return.
        Assert.InRange(replayed.Vms[0].Written, original.Vms[0].Written * 0.75, original.Vms[0].Written * 1.05);
    }

    [Theory]
    [InlineData("{\"seq\":1}", "x:1:1: This line is no event")]
    [InlineData("hello", "x:1:1: This line is not a JSON object")]
    [InlineData("{\"seq\":1,\"time\":\"2026-01-01T00:00:00Z\",\"type\":\"protected-vm.source-attached.v1\","
        + "\"actor\":\"a\",\"data\":{}}",
        "x:1:1: The log does not begin with enable-started")]
    public void A_file_that_is_no_log_is_refused_with_its_line(string line, string expected)
    {
        var e = Assert.Throws<ScenarioException>(() => RecordedLog.Parse([line], "x", 1));
        Assert.StartsWith(expected, e.Message, StringComparison.Ordinal);
    }

    // Sums of the same parts in another order differ in their last bits.
    private static double Written(VmSummary vm) => Math.Round(vm.Written);

    private static string Report(RunResult run) => JsonReport.Write(new Comparison("x", run, null, [], []));
}

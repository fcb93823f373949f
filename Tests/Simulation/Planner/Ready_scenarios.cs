using System.Text.Json.Nodes;
using System.Xml.Linq;
using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Reports;
using ReplicationEngine.Simulation.Planner.Scenarios;
using Xunit;

namespace ReplicationEngine.Tests.Simulation.Planner;

public sealed class Ready_scenarios
{
    private static readonly string[] Sections =
        ["asked", "summary", "timeline", "over-time", "distributions", "details", "inputs", "assumptions"];

    public static TheoryData<string> Names => [.. ScenarioLibrary.Names];

    [Fact]
    public void There_are_at_least_the_six_that_are_promised() => Assert.Superset(
        new HashSet<string>(StringComparer.Ordinal)
        {
            "region-outage", "flapping-link", "churn-above-link", "ransomware-burst", "appliance-loss",
            "second-failure-during-failback",
        },
        ScenarioLibrary.Names.ToHashSet(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_runs_and_its_three_reports_can_be_read(string name)
    {
        var source = ScenarioLibrary.Open(name);
        var scenario = source.Read();
        scenario = scenario.Duration > TimeSpan.FromDays(7)
            ? source.Read(new ScenarioChange("duration", "20 d")) : scenario;
        var run = OutageRun.Run(scenario);
        var comparison = new Comparison(name, run, null, [], []);

        var page = XDocument.Parse(HtmlReport.Write(comparison));
        XNamespace html = "http://www.w3.org/1999/xhtml";
        Assert.Equal(Sections, page.Descendants(html + "section").Select(s => s.Attribute("id")!.Value));
        Assert.True(page.Descendants(XName.Get("svg", "http://www.w3.org/2000/svg")).Count() > 8);
        Assert.Empty(page.Descendants(html + "script"));
        Assert.DoesNotContain(
            page.Descendants().Attributes(), attribute => attribute.Name.LocalName is "src" or "href");
        Assert.DoesNotContain("url(http", page.ToString(), StringComparison.Ordinal);

        var json = JsonNode.Parse(JsonReport.Write(comparison))!["run"]!;
        Assert.Equal(run.Trace, json["trace"]!.GetValue<string>());
        Assert.Equal(run.Vms.Count, json["vms"]!.AsArray().Count);

        var text = new StringWriter();
        TextReport.Write(comparison, text, null);
        Assert.Contains(scenario.Title, text.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\u001b", text.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_failure_on_the_way_home_ends_at_home_and_protected()
    {
        var run = OutageRun.Run(ScenarioLibrary.Open("second-failure-during-failback").Read());
        Assert.All(run.Vms, vm => Assert.Equal("protected", vm.Phase));
        Assert.All(run.Failovers, failover => Assert.True(failover.RpoSeconds < 1));
        Assert.All(run.Failovers, failover => Assert.NotNull(failover.Returned));
    }

    [Fact]
    public void After_the_loss_of_the_appliance_everything_is_copied_anew()
    {
        var run = OutageRun.Run(ScenarioLibrary.Open("appliance-loss").Read());
        Assert.All(run.Vms, vm => Assert.Equal("protected", vm.Phase));
        Assert.Contains(run.Alerts, alert => alert.Kind == "TargetStoreCorrupt");
        var (used, written) = (run.Scenario.Vms.Sum(vm => vm.Used * vm.CompressTo),
            run.Vms.Sum(vm => vm.Written * 0.6));
        Assert.InRange(run.Links[0].Sent, used, used + written);
    }
}

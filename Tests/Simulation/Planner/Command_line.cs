using System.Text.Json.Nodes;
using ReplicationEngine.Simulation.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Simulation.Planner;

public sealed class Command_line : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("outages");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Scenarios_are_listed_and_printed()
    {
        var (code, output, _) = await Run("scenarios");
        Assert.Equal(0, code);
        Assert.Contains("region-outage", output, StringComparison.Ordinal);
        Assert.Contains("\"evacuate\"", (await Run("scenarios", "region-outage")).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_is_run_and_its_reports_are_written()
    {
        var (html, json) = (File("r.html"), File("r.json"));
        var (code, output, error) = await Run("outage", await Scenario(), "--html", html, "--out", json, "--json");
        Assert.Equal((0, ""), (code, error));
        Assert.Equal(output, await System.IO.File.ReadAllTextAsync(json, TestContext.Current.CancellationToken));
        Assert.Equal("plain", JsonNode.Parse(output)!["run"]!["title"]!.GetValue<string>());
        Assert.StartsWith("<!DOCTYPE html>", await System.IO.File.ReadAllTextAsync(
            html, TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_if_shows_both_and_the_difference()
    {
        var (code, output, _) = await Run(
            "whatif", await Scenario(), "--set", "links.wan.bandwidth=0.5 MiB/s", "--json");
        Assert.Equal(0, code);
        var report = JsonNode.Parse(output)!;
        Assert.True(report["difference"]!["riskMaxSeconds"]!.GetValue<double>() > 100);
        Assert.Equal(0, report["difference"]!["downSeconds"]!.GetValue<double>());
    }

    [Fact]
    public async Task A_recorded_log_takes_the_place_of_a_scenario()
    {
        Assert.Equal(0, (await Run("outage", await Scenario(), "--logs", _directory.FullName)).Code);
        var (code, output, error) = await Run(
            "whatif", "--log", File("vm.jsonl"), "--set", "policies.0.retention=1 h",
            "--save-scenario", File("s.json"));
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("note: A log holds no write sizes", output, StringComparison.Ordinal);
        Assert.Equal(0, (await Run("outage", File("s.json"))).Code);
    }

    [Theory]
    [InlineData("outage", "no-such", "There is no such file and no included scenario of this name; the included")]
    [InlineData("whatif", "region-outage", "There is no change; add --set")]
    public async Task Bad_usage_is_answered_with_2_and_the_remedy(string command, string scenario, string expected)
    {
        var (code, _, error) = await Run(command, scenario);
        Assert.Equal(2, code);
        Assert.Contains(expected, error, StringComparison.Ordinal);
    }

    private static async Task<(int Code, string Output, string Error)> Run(params string[] arguments)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var code = await SimulateCommandLine.InvokeAsync(
            arguments, output, error, TestContext.Current.CancellationToken);
        return (code, output.ToString(), error.ToString());
    }

    private string File(string name) => Path.Combine(_directory.FullName, name);

    private async Task<string> Scenario()
    {
        var path = File("plain.json");
        await System.IO.File.WriteAllTextAsync(
            path, Worlds.Plain.Replace("\"1 d\"", "\"2 h\"", StringComparison.Ordinal),
            TestContext.Current.CancellationToken);
        return path;
    }
}

using System.Text.Json.Nodes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>What the store finds out about its points is shown, and costs few events.</summary>
[Trait("Req", "RCP-6")]
public sealed class Grades : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Points_rise_to_digest_matched_with_one_event_each_at_most()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        await vm.PointAsync();
        await vm.PointAsync();
        await _lab.UntilAsync("all points are graded", async () => (await PointsAsync()).All(point =>
            (string?)point!["grade"] == "digest-matched"));

        Assert.Equal(0, _lab.Service!.Stop());
        await _lab.StartServiceAsync();
        var points = await PointsAsync();
        Assert.All(points, point => Assert.Equal("digest-matched", (string?)point!["grade"]));
        var raised = (await _lab.RunAsync("log", "web", "--json")).Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)
            .Where(line => (string?)line["type"] == "protected-vm.recovery-points-graded.v1")
            .SelectMany(line => line["data"]!["points"]!.AsArray().Select(id => (string)id!)).ToList();
        Assert.Equal(raised.Distinct(), raised);
        Assert.Subset(points.Select(point => (string)point!["id"]!).ToHashSet(), raised.ToHashSet());
    }

    private async Task<JsonArray> PointsAsync() => (await _lab.AskAsync("points", "web")).AsArray();
}

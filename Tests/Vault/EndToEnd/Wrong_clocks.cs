using System.Text.Json.Nodes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>The agent's wall clock is far from the service's, and is set while everything runs.</summary>
public sealed class Wrong_clocks : IDisposable
{
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(60);
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [Trait("Req", "I21")]
    [Trait("Req", "I26")]
    [InlineData("+1d", "-1d", -86_400)]
    [InlineData("-1d", "+10s", 10)]
    public async Task Points_and_losses_are_told_by_the_services_time_and_health_names_the_difference(
        string first, string then, int seconds)
    {
        var offset = Path.Combine(_lab.Root, "offset");
        await File.WriteAllTextAsync(offset, first + "\n", TestContext.Current.CancellationToken);
        await _lab.StartServiceAsync();
        await _lab.StartAgentWithClockAsync(offset);
        await _lab.AskAsync("protect", "web", "--disk", _lab.MakeDisk("a.img", 8 << 20, 1));
        await DifferAsync(Math.Sign(seconds) == 1 ? -86_400 : 86_400);
        await LosesLittleAsync();

        await File.WriteAllTextAsync(offset, then + "\n", TestContext.Current.CancellationToken);
        await DifferAsync(seconds);
        await LosesLittleAsync();

        await File.WriteAllTextAsync(offset, "+0\n", TestContext.Current.CancellationToken);
        await _lab.UntilViewAsync("web", "health is normal", v => (string?)v["health"] == "normal");
        await LosesLittleAsync();
        var times = (await _lab.AskAsync("points", "web", "--json")).AsArray()
            .Select(p => (DateTimeOffset)p!["time"]!).ToList();
        Assert.Equal(times.OrderDescending(), times);
        await _lab.JournalIsSoundAsync();
    }

    private Task DifferAsync(int seconds) => _lab.UntilViewAsync(
        "web", $"the clocks differ by {seconds} s",
        v => v["causes"]!.AsArray().Any(c => (string?)c!["code"] == "clock-offset")
            && v["source"]!["clockOffsetSeconds"] is JsonValue offset && Math.Abs((double)offset - seconds) < 5);

    private async Task LosesLittleAsync()
    {
        var point = (await _lab.AskAsync("point", "web"))["point"]!;
        Assert.InRange(
            TimeProvider.System.GetUtcNow() - (DateTimeOffset)point["time"]!, TimeSpan.Zero, Slack);
        foreach (var choice in new[] { "latest", "latest-processed" })
        {
            var failover = await _lab.AskAsync("failover", "web", "--kind", "unplanned", "--point", choice);
            Assert.InRange((double)failover["rpoSeconds"]!, 0.000_001, Slack.TotalSeconds);
            await _lab.AskAsync("cancel", "web", "--discard");
            await _lab.UntilViewAsync("web", "it is protected and in step", v =>
                (string?)v["phase"] == "protected" && (bool)v["source"]!["connected"]!
                    && v["operations"]!.AsArray().Any(o => (string?)o == "make-point"));
        }
    }
}

using System.Text;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>A VM whose history is damaged is out of service and says so; the others go on (I29).</summary>
[Trait("Req", "I29")]
public sealed class Quarantine : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Of_one_vm_shows_its_reason_and_leaves_the_other_as_it_is()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var good = LabVm.Make(_lab, "good", disks: 1, mebibytes: 8);
        await good.ProtectAsync();
        await LabVm.Make(_lab, "poison", disks: 1, mebibytes: 8).ProtectAsync();
        Assert.Equal(0, _lab.Service!.Stop());
        Damage("poison-0.img");

        await _lab.StartServiceAsync();
        await _lab.AgentConnectedAsync();
        await good.SourceUrisAsync();
        await good.PointAsync();
        var all = (await _lab.AskAsync("status")).AsArray();
        Assert.Equal(["protected", "quarantined"], all.Select(v => (string?)v!["phase"]).Order());
        var poison = await _lab.ViewAsync("poison");
        Assert.Equal("critical", (string?)poison["health"]);
        var cause = Assert.Single(poison["causes"]!.AsArray())!;
        Assert.Equal("quarantined", (string?)cause["code"]);
        Assert.Contains("event ", (string?)cause["message"], StringComparison.Ordinal);
        Assert.Contains("drctl lift-quarantine poison", (string?)cause["remedy"], StringComparison.Ordinal);
        var page = (await _lab.RunAsync("status", "poison")).Output;
        Assert.Contains("quarantined", page, StringComparison.Ordinal);
        Assert.DoesNotContain("source", page, StringComparison.Ordinal);
        await _lab.UntilAsync("the other is protected", async () => (await _lab.RunAsync("status")).Output.Contains(
            "1 quarantined, all others are protected now.", StringComparison.Ordinal));
        var health = await _lab.AskAsync("health");
        Assert.Equal("critical", (string?)health["health"]);
        var told = Assert.Single(health["causes"]!.AsArray())!;
        Assert.Equal("quarantined", (string?)told["code"]);
        Assert.Equal((string?)cause["message"], (string?)told["message"]);

        var line = Assert.Single(
            _lab.Service!.Errors.Split('\n'),
            l => l.Contains(" fail: ReplicationEngine.Actors", StringComparison.Ordinal));
        Assert.Contains("is quarantined: The journal is damaged at event", line, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", _lab.Service.Errors, StringComparison.Ordinal);

        Refused(await _lab.RunAsync("lift-quarantine", "poison"));
        Refused(await _lab.RunAsync("pause", "poison"));
        Assert.Equal("quarantined", (string?)(await _lab.ViewAsync("poison"))["phase"]);
        Assert.Equal("succeeded", (string?)(await _lab.AskAsync("lift-quarantine", "good"))["state"]);
    }

    private static void Refused(CommandResult result)
    {
        Assert.Equal(1, result.Code);
        Assert.Contains("is quarantined", result.Errors, StringComparison.Ordinal);
        Assert.Single(result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    // The path of a disk stands in the payloads of events and nowhere else in the journal.
    private void Damage(string text)
    {
        var path = Path.Combine(_lab.ServiceData, "journal.db");
        var bytes = File.ReadAllBytes(path);
        var found = 0;
        for (var at = bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(text)); at >= 0; found++)
        {
            bytes[at] ^= 1;
            var next = bytes.AsSpan(at + 1).IndexOf(Encoding.ASCII.GetBytes(text));
            at = next < 0 ? -1 : at + 1 + next;
        }

        Assert.NotEqual(0, found);
        File.WriteAllBytes(path, bytes);
    }
}

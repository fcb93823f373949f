using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>A service that asks agents for a token lets no other one in, whatever name it gives (S7).</summary>
public sealed class AgentTokens : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task An_agent_without_the_token_is_refused_and_says_so()
    {
        await _lab.StartServiceAsync("--token", "s3cret");
        foreach (var wrong in new string[][] { [], ["--token", "guess"], ["--token", ""], ["--token", "s3cret "] })
        {
            await RefusedAsync("site-a", wrong);
        }

        Assert.Empty((await _lab.TryGetAsync("/api/v1/agents"))!.AsArray());
        await _lab.StartAgentAsync("--token", "s3cret");
    }

    [Fact]
    public async Task A_stolen_name_does_not_take_over_a_connected_agent()
    {
        await _lab.StartServiceAsync("--token", "s3cret");
        await _lab.StartAgentAsync("--token", "s3cret");
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();

        foreach (var wrong in new string[][] { [], ["--token", "guess"] })
        {
            await RefusedAsync("site-a", wrong);
        }

        // The token alone does not take a name over either: it belongs to the key of the agent that had it first.
        await IntrudeAsync("site-a", "belongs to another agent's key", "--token", "s3cret");
        var agent = Assert.Single((await _lab.TryGetAsync("/api/v1/agents"))!.AsArray());
        Assert.Equal(("site-a", true), ((string?)agent!["name"], (bool)agent["connected"]!));
        Assert.False(_lab.Agent!.HasExited);
        await vm.PointAsync();
        await vm.SourceUrisAsync();
        Assert.DoesNotContain("s3cret", _lab.Logs(), StringComparison.Ordinal);
    }

    private async Task RefusedAsync(string name, string[] token)
    {
        var said = await IntrudeAsync(name, "asks agents for a token", token);
        Assert.DoesNotContain("s3cret", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", said, StringComparison.Ordinal);
    }

    // It says why it is refused, and goes on trying: an agent that serves must not end because of a service.
    private async Task<string> IntrudeAsync(string name, string reason, params string[] token)
    {
        using var intruder = _lab.Start(
        [
            "agent", "--server", _lab.Server, "--data", Path.Combine(_lab.Root, "intruder"), "--name", name, .. token,
        ]);
        await _lab.UntilAsync(reason, () => Task.FromResult(
            intruder.Errors.Contains(reason, StringComparison.Ordinal)), detail: () => intruder.Errors);
        Assert.False(intruder.HasExited);
        Assert.Equal(0, intruder.Stop());
        return intruder.Errors;
    }
}

using System.Diagnostics;
using System.Text.Json.Nodes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>A planned failover does not take the disks from a running machine without being told to (B8).</summary>
public sealed class A_planned_failover_with_writers : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task It_is_refused_with_the_client_named_unless_the_user_insists()
    {
        var vm = await RunningAsync();

        var refused = await _lab.RunAsync("failover", "web", "--kind", "planned");
        Assert.Equal(1, refused.Code);
        Assert.Contains($"process {Environment.ProcessId}", refused.Errors, StringComparison.Ordinal);
        Assert.Contains("--force", refused.Errors, StringComparison.Ordinal);
        await vm.MoreAsync(20);

        // When the client came after the last report, the agent itself refused, and what was begun is taken back.
        await vm.IsAsync("protected");

        await _lab.AskAsync("failover", "web", "--kind", "planned", "--force");
        vm.Writer.Stop();
        var started = Lines(await _lab.RunAsync("log", "web", "--json"))
            .Last(line => ((string)line["type"]!).Contains("failover-started", StringComparison.Ordinal));
        Assert.Contains("\"forced\":true", started.ToJsonString(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task It_goes_on_once_the_machine_is_shut_down()
    {
        var vm = await RunningAsync();
        vm.Writer.Stop();
        await _lab.AskAsync("failover", "web", "--kind", "planned");
    }

    [Fact]
    public async Task A_stop_hook_takes_the_machine_down_first_and_one_that_fails_keeps_the_disks_where_they_are()
    {
        var (hooks, asked) = (Path.Combine(_lab.Root, "hooks"), Path.Combine(_lab.Root, "asked"));
        Directory.CreateDirectory(hooks);
        WriteHook(hooks, $"echo \"$1\" >{asked}; exit 7");
        var vm = await RunningAsync("--hooks", hooks);

        var failed = await _lab.RunAsync("failover", "web", "--kind", "planned");
        Assert.Equal(1, failed.Code);
        Assert.Contains("ended with exit code 7", failed.Errors, StringComparison.Ordinal);
        await vm.IsAsync("protected");
        await vm.MoreAsync(20);

        File.Delete(asked);
        WriteHook(hooks, $"echo \"$1\" >{asked}; while test -e {asked}; do sleep 0.1; done");
        var failover = _lab.AskAsync("failover", "web", "--kind", "planned");
        await _lab.UntilAsync("the hook was asked", () => Task.FromResult(File.Exists(asked)));
        vm.Writer.Stop();
        File.Delete(asked);
        await failover;
        Assert.Equal(0u, vm.Writer.LastError);
    }

    private static void WriteHook(string directory, string script)
    {
        var path = Path.Combine(directory, "stop");
        File.WriteAllText(path, "#!/bin/sh\n" + script + "\n");
        using var chmod = Process.Start("/bin/chmod", ["700", path]);
        chmod.WaitForExit();
    }

    private static List<JsonNode> Lines(CommandResult result) => [.. result.Output
        .Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];

    private async Task<LabVm> RunningAsync(params string[] agent)
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync(agent);
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        await vm.WriteAsync();
        await vm.MoreAsync(20);
        await vm.InSyncAsync();
        return vm;
    }
}

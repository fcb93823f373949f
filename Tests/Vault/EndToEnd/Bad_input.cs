using ReplicationEngine.Chaos.Witness.Processes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>What is asked wrongly is refused in one clear sentence, with the exit code that says of which kind it
/// is.</summary>
public sealed class Bad_input : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    [Trait("Req", "ENA-2")]
    [Trait("Req", "OPS-4")]
    public async Task Each_wrong_command_gets_one_sentence_and_its_exit_code()
    {
        await RefusedAsync(3, "127.0.0.1", "status");
        await _lab.StartServiceAsync();
        await RefusedAsync(1, "agent", "protect", "web", "--disk", "/nowhere");
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();

        await RefusedAsync(1, "/no/such/disk.img", "protect", "db", "--disk", "/no/such/disk.img");
        await RefusedAsync(1, "'db' stays listed as enable-failed", "protect", "db", "--disk", "/no/such/disk.img");
        await RefusedAsync(1, "`drctl disable db`", "protect", "db", "--disk", "/no/such/disk.img");
        await _lab.AskAsync("disable", "db");
        Assert.DoesNotContain("db", (await _lab.RunAsync("status")).Output, StringComparison.Ordinal);
        await RefusedAsync(1, "already", "protect", "db", "--disk", vm.Disks[0]);
        await RefusedAsync(1, "already", "protect", "web", "--disk", vm.Disks[0]);
        await RefusedAsync(1, "'/'", "protect", "root", "--disk", "/");
        await RefusedAsync(1, "", "protect", "twice", "--disk", _lab.MakeDisk("t.img", 1 << 20, 1), "--disk",
            Path.Combine(_lab.SiteA, "t.img"));
        await RefusedAsync(1, "ffffffffffffffffffffffffffffffff", "failover", "web", "--kind", "test", "--point",
            "ffffffffffffffffffffffffffffffff");
        await RefusedAsync(1, "yesterday", "failover", "web", "--kind", "test", "--point", "yesterday");
        await RefusedAsync(1, "application-consistent", "failover", "web", "--kind", "test", "--point", "latest-app");
        await RefusedAsync(1, "commit", "commit", "web");
        await RefusedAsync(1, "fail back", "failback", "web");
        await RefusedAsync(1, "", "cleanup", "web");
        await RefusedAsync(1, "nobody", "status", "nobody");
        await RefusedAsync(1, "nobody", "failover", "nobody", "--kind", "unplanned");
        await RefusedAsync(1, "SCN-99", "protect", "db", "--disk", Path.Combine(_lab.SiteA, "t.img"), "--scenario",
            "SCN-99");
        await RefusedAsync(1, "", "log", "web", "--at", "soon");
        await RefusedAsync(1, "change the recovery point in phase protected", "change-point", "web", "latest");
        var last = (await _lab.RunAsync("log", "web", "--json")).Output.Split('\n').Count(line => line.Length > 0);
        Assert.Equal(0, (await _lab.RunAsync("log", "web", "--at", $"{last}")).Code);
        await RefusedAsync(1, "its events are 1 to ", "log", "web", "--at", $"{last + 1000}");
        await RefusedAsync(1, "its events are 1 to ", "log", "web", "--at", "0");
        await RefusedAsync(1, "did not exist", "log", "web", "--at", "2001-01-01T00:00:00Z");
        await RefusedAsync(2, "../x", "status", "../x");
        await RefusedAsync(2, "", "failover", "web", "--kind", "partial");
        await RefusedAsync(2, "", "frobnicate");
        await RefusedAsync(2, "ftp://x", "status", "--server", "ftp://x");
        await RefusedAsync(3, "127.0.0.1:1", "status", "--server", "http://127.0.0.1:1");
    }

    [Fact]
    public async Task A_second_process_on_the_same_data_or_name_says_so_and_ends()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var free = $"http://127.0.0.1:{LoopbackPorts.Free()}";
        Ends(1, _lab.ServiceData, "serve", "--data", _lab.ServiceData, "--listen", free);
        Ends(1, _lab.Server, "serve", "--data", Path.Combine(_lab.Root, "other"), "--listen", _lab.Server);
        Ends(1, "--listen", "serve", "--data", Path.Combine(_lab.Root, "other"), "--listen", _lab.Server);
        Ends(1, _lab.AgentData, "agent", "--data", _lab.AgentData, "--server", _lab.Server, "--name", "other");
        await WaitsAsync(
            "site-a", "agent", "--data", Path.Combine(_lab.Root, "b"), "--server", _lab.Server, "--name", "site-a");
        Ends(2, "0.0.0.0", "serve", "--data", Path.Combine(_lab.Root, "c"), "--listen", "http://0.0.0.0:7000");
        Ends(2, "nonsense", "agent", "--data", Path.Combine(_lab.Root, "d"), "--server", "nonsense");
        Ends(1, "/proc/nowhere", "serve", "--data", "/proc/nowhere", "--listen", free);
        Ends(3, "127.0.0.1", "status", "--server", "http://127.0.0.1:1");
    }

    private void Ends(int code, string names, params string[] arguments)
    {
        using var process = _lab.Start(arguments);
        var found = process.WaitForExit();
        Judge(new CommandResult(found, process.Output, process.Errors), code, names, arguments);
    }

    // An agent that the service refuses serves on what it serves and tries again: it never ends because of a service.
    private async Task WaitsAsync(string names, params string[] arguments)
    {
        using var process = _lab.Start(arguments);
        await _lab.UntilAsync(
            "the agent says why it is refused",
            () => Task.FromResult(process.Errors.Contains(names, StringComparison.Ordinal)),
            detail: () => process.Errors);
        Assert.False(process.HasExited, process.Errors);
        Assert.Equal(0, process.Stop());
    }

    private async Task RefusedAsync(int code, string names, params string[] arguments) =>
        Judge(await _lab.RunAsync(arguments), code, names, arguments);

    private static void Judge(CommandResult result, int code, string names, string[] arguments)
    {
        var said = $"drctl {string.Join(' ', arguments)} ended with {result.Code}, "
            + $"said:\n{result.Errors}\n{result.Output}";
        Assert.True(result.Code == code, said);
        Assert.True(result.Output.Length == 0, said);
        Assert.True(result.Errors.Contains(names, StringComparison.OrdinalIgnoreCase), said);
        var lines = result.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(l => !l.Contains(" info: ", StringComparison.Ordinal)).ToList();
        Assert.True(lines.Count == 1, said);
        Assert.DoesNotContain("Exception", result.Errors, StringComparison.Ordinal);
    }
}

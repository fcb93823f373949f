using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.Chaos.Witness.Processes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>
/// Whatever service and agent create is closed to other users, whatever their umask was, and an agent reads no disk
/// that it was not allowed.
/// </summary>
public sealed class Nothing_for_others : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Every_file_directory_and_socket_of_both_processes_is_the_owners_alone()
    {
        using var service = StartOpen(
            "serve", "--data", Path.Combine(_lab.Root, "service"), "--listen", _lab.Server);
        await _lab.UntilAsync("the service responds", async () => await _lab.TryGetAsync("/api/v1/agents") is not null);
        using var agent = StartOpen(
            "agent", "--server", _lab.Server, "--data", _lab.AgentData, "--name", "site-a", "--allow", _lab.Root);
        await _lab.UntilAsync(
            "the agent is connected", async () =>
                (await _lab.TryGetAsync("/api/v1/agents"))!.AsArray().Any(a => (bool)a!["connected"]!));
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        await vm.WriteAsync();
        await vm.MoreAsync(50);
        await _lab.AskAsync("point", "web");
        await _lab.AskAsync("failover", "web", "--kind", "test");
        var seen = Closed(_lab.ServiceData) + Closed(_lab.AgentData) + Closed(_lab.Configuration);
        Assert.True(seen > 20, $"only {seen} files and directories were seen");
        await _lab.AskAsync("cleanup", "web");
        await _lab.AskAsync("failover", "web", "--kind", "unplanned");
        await _lab.AskAsync("commit", "web");
        vm.Writer.Stop();
        await _lab.AskAsync("reprotect", "web", "--discard");
        _ = Closed(_lab.ServiceData) + Closed(_lab.AgentData);
        Assert.Equal(0, agent.Stop());
        Assert.Equal(0, service.Stop());
        _ = Closed(_lab.ServiceData) + Closed(_lab.AgentData);
    }

    [Fact]
    public async Task A_disk_that_is_not_allowed_is_not_protected_and_nothing_of_it_is_replicated()
    {
        await _lab.StartServiceAsync();
        var allowed = Directory.CreateDirectory(Path.Combine(_lab.SiteA, "vms")).FullName;
        var secret = _lab.MakeDisk("secret.img", 1 << 20, 1);
        File.CreateSymbolicLink(Path.Combine(allowed, "link.img"), secret);
        await _lab.StartAgentAsync("--allow", allowed);
        foreach (var path in new[] { secret, Path.Combine(allowed, "link.img"), "/etc/shadow" })
        {
            var refused = await _lab.RunAsync("protect", "thief", "--disk", path);
            Assert.True(refused.Code == 1, refused.Errors);
            Assert.Contains(path, refused.Errors, StringComparison.Ordinal);
            Assert.Contains("--allow", refused.Errors, StringComparison.Ordinal);
        }

        Assert.Empty(Directory.EnumerateFiles(_lab.AgentData, "*", SearchOption.AllDirectories)
            .Where(file => file.Contains("volumes", StringComparison.Ordinal)));
        await _lab.AskAsync("protect", "web", "--disk", _lab.MakeDisk("vms/web.img", 1 << 20, 2));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_protected_disk_that_is_allowed_no_more_is_not_served_after_a_restart(bool exchanged)
    {
        await _lab.StartServiceAsync();
        var disks = Directory.CreateDirectory(Path.Combine(_lab.SiteA, "vms")).FullName;
        await _lab.StartAgentAsync("--allow", disks);
        var disk = _lab.MakeDisk("vms/web.img", 1 << 20, 2);
        await _lab.AskAsync("protect", "web", "--disk", disk);
        Assert.Equal(0, _lab.Agent!.Stop());
        var before = await File.ReadAllBytesAsync(disk, TestContext.Current.CancellationToken);
        if (exchanged)
        {
            File.Move(disk, Path.Combine(_lab.SiteA, "moved.img"));
            File.CreateSymbolicLink(disk, Path.Combine(_lab.SiteA, "moved.img"));
        }

        await _lab.StartAgentAsync("--start-alone", "--allow", exchanged ? disks : Path.Combine(_lab.SiteA, "other"));
        await _lab.UntilAsync(
            "the agent says why", () => Task.FromResult(
                _lab.Agent!.Errors.Contains(disk, StringComparison.Ordinal)
                && _lab.Agent.Errors.Contains("--allow", StringComparison.Ordinal)));
        Assert.All(
            (await _lab.ViewAsync("web"))["source"]!["disks"]!.AsArray(), served => Assert.Null(served!["uri"]));
        Assert.Equal(before, await File.ReadAllBytesAsync(disk, TestContext.Current.CancellationToken));
    }

    // With a umask that leaves everything to everybody.
    private ChildProcess StartOpen(params string[] arguments) => ChildProcess.Start(
        "/bin/sh", new Dictionary<string, string> { ["XDG_CONFIG_HOME"] = _lab.Configuration },
        ["-c", "umask 0; exec \"$0\" \"$@\"", Lab.Program, .. arguments]);

    private static int Closed(string root)
    {
        var all = Directory.EnumerateFileSystemEntries(root, "*", SearchOption.AllDirectories).Prepend(root).ToList();
        var open = all.Where(path => File.Exists(path) || Directory.Exists(path))
            .Select(path => (Path: path, Found: Look(path)))
            .Where(entry => entry.Found is { IsOpenToOthers: true })
            .Select(entry => $"{entry.Path} {Convert.ToString(entry.Found!.Mode, 8)}");
        Assert.Empty(open);
        return all.Count;
    }

    // What was deleted in between is no matter.
    private static FileOwnership? Look(string path)
    {
        try
        {
            return FileOwnership.Of(path, follow: false);
        }
        catch (IOException)
        {
            return null;
        }
    }
}

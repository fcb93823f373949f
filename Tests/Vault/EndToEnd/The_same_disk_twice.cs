using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>One disk under several names, in several layers, by several agents (A1).</summary>
public sealed class The_same_disk_twice : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_disk_is_protected_once_under_whatever_name()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 4);
        await vm.ProtectAsync();
        var (symbolic, hard) = (In("symbolic"), In("hard"));
        File.CreateSymbolicLink(symbolic, vm.Disks[0]);
        OutsideTool.Require("ln", "coreutils").Run(vm.Disks[0], hard).Succeeded();
        await RefusedAsync("same disk", "protect", "two", "--disk", symbolic);
        await RefusedAsync("same disk", "protect", "three", "--disk", hard);
        var fresh = _lab.MakeDisk("fresh.img", 1 << 20, 3);
        File.CreateSymbolicLink(In("other"), fresh);
        await RefusedAsync("same disk", "protect", "four", "--disk", fresh, "--disk", In("other"));

        // After a restart the disk is still the VM's, whatever the name.
        Assert.Equal(0, _lab.Agent!.Stop());
        await _lab.StartAgentAsync();
        await RefusedAsync("same disk", "protect", "five", "--disk", hard);
        await vm.InSyncAsync();

        await _lab.AskAsync("disable", "web");
        await _lab.AskAsync("protect", "five", "--disk", hard);
    }

    [Fact]
    public async Task Two_that_protect_a_disk_at_once_do_not_both_get_it()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var path = _lab.MakeDisk("d.img", 4 << 20, 1);
        var names = Enumerable.Range(0, 4).Select(i => In($"n{i}")).ToList();
        names.ForEach(name => File.CreateSymbolicLink(name, path));
        var results = await Task.WhenAll(names.Select((name, i) => _lab.RunAsync("protect", $"vm{i}", "--disk", name)));
        var lost = results.Where(result => result.Code != 0).ToList();
        Assert.Equal(names.Count - 1, lost.Count);
        Assert.All(lost, result => Assert.Contains("disk", result.Errors, StringComparison.OrdinalIgnoreCase));
        var won = results.ToList().FindIndex(result => result.Code == 0);
        await _lab.UntilViewAsync($"vm{won}", "is protected", v => (string?)v["phase"] == "protected");
    }

    [Fact]
    public async Task A_second_agent_on_the_machine_does_not_get_the_disk_nor_a_layer_of_it()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync("--allow", "/");
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 4);
        await vm.ProtectAsync();
        _lab.Start("agent", "--server", _lab.Server, "--data", In("agent-b"), "--name", "site-b",
            "--allow", "/");
        await _lab.UntilAsync("the second agent is there", async () =>
            (await _lab.TryGetAsync("/api/v1/agents"))?.AsArray().Count(a => (bool)a!["connected"]!) == 2);
        await RefusedAsync("in use by process", "protect", "two", "--agent", "site-b", "--disk", vm.Disks[0]);
        using var loop = LoopDevice.Over(vm.Disks[0]);
        await RefusedAsync("of 'web'", "protect", "three", "--agent", "site-b", "--disk", loop.Path);
        await RefusedAsync("of 'web'", "protect", "four", "--agent", "site-a", "--disk", loop.Path);
    }

    [Fact]
    public async Task Qemus_tools_and_the_agent_refuse_each_other()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 4);
        var qemu = OutsideTool.Require("qemu-io", "qemu-utils");
        using (var holder = qemu.Start("-f", "raw", vm.Disks[0]))
        {
            holder.StandardInput.WriteLine("read 0 512");
            holder.StandardInput.Flush();
            Assert.Contains("read", holder.StandardOutput.ReadLine(), StringComparison.Ordinal);
            await RefusedAsync($"process {holder.Id} (qemu-io)", "protect", "web", "--disk", vm.Disks[0]);
            holder.StandardInput.Close();
            Assert.True(holder.WaitForExit(TimeSpan.FromSeconds(50)));
        }

        await vm.ProtectAsync();
        var refused = qemu.Run("-f", "raw", "-c", "write 0 512", vm.Disks[0]);
        Assert.NotEqual(0, refused.ExitCode);
        Assert.Contains("lock", refused.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_in_a_format_of_its_own_is_a_disk_only_when_its_bytes_are_meant()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var image = In("image.qcow2");
        OutsideTool.Require("qemu-img", "qemu-utils").Run("create", "-q", "-f", "qcow2", image, "64M").Succeeded();
        await RefusedAsync("qcow2", "protect", "web", "--disk", image);
        await RefusedAsync("--raw", "protect", "web", "--disk", image);
        await _lab.AskAsync("protect", "web", "--disk", image, "--raw");
        var view = await _lab.ViewAsync("web");
        Assert.Equal(new FileInfo(image).Length, (long)view["source"]!["disks"]![0]!["sizeBytes"]!);
    }

    private async Task RefusedAsync(string says, params string[] arguments)
    {
        var result = await _lab.RunAsync(arguments);
        Assert.True(result.Code != 0, $"{string.Join(' ', arguments)} was accepted\n{result.Output}");
        Assert.Contains(says, result.Errors, StringComparison.Ordinal);
    }

    private string In(string name) => Path.Combine(_lab.SiteA, name);
}

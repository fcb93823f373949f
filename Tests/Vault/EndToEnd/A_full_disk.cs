using ReplicationEngine.Chaos.Witness.Writes;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>The agent's data lie on a file system of a few MiB, which fills up (needs root: it is mounted).</summary>
public sealed class A_full_disk : IDisposable
{
    private readonly Lab _lab = new();
    private bool _mounted;

    public void Dispose()
    {
        _lab.Agent?.Dispose();
        if (_mounted)
        {
            OutsideTool.Require("umount", "mount").Run(_lab.AgentData).Succeeded();
        }

        _lab.Dispose();
    }

    [Fact]
    [Trait("Req", "I27")]
    public async Task A_source_without_room_for_its_log_says_so_while_it_is_first_copied()
    {
        await StartAsync("8m");
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await _lab.AskAsync("protect", "web", "--no-wait", "--disk", vm.Disks[0]);
        await _lab.UntilViewAsync("web", "the cause cache-full", v =>
            (string?)v["phase"] == "initial-replication"
                && v["causes"]!.AsArray().Any(c => (string?)c!["code"] == "cache-full"));
        OutsideTool.Require("mount", "mount").Run("-o", "remount,size=200m", _lab.AgentData).Succeeded();
        await vm.InSyncAsync();
        await _lab.UntilViewAsync("web", "no cause", v =>
            v["causes"]!.AsArray().All(c => (string?)c!["code"] != "cache-full"));
    }

    [Fact]
    [Trait("Req", "I27")]
    [Trait("Req", "I2")]
    public async Task The_guest_goes_on_health_says_so_and_with_room_it_is_in_sync_again()
    {
        await StartAsync("140m");
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 64, paceMs: 0);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        var ballast = Path.Combine(_lab.AgentData, "ballast");
        Fill(ballast);
        await _lab.AskAsync("pause", "web");
        await vm.WriteAsync();
        await vm.MoreAsync(1500);
        await _lab.UntilViewAsync("web", "the cause cache-full", v =>
            v["causes"]!.AsArray().Any(c => (string?)c!["code"] == "cache-full"));
        await vm.MoreAsync(200);
        Assert.Equal(0u, vm.Writer.LastError);

        // Killed while nothing more can be written, it still knows every extent.
        _lab.Agent!.Kill();
        vm.Writer.Stop();
        await _lab.StartAgentAsync();
        await vm.SourceUrisAsync();
        vm.Writer.Settle(vm.SourceImages());
        vm.SourceIsComplete("the source with a full disk next to it");
        await vm.WriteAsync();
        File.Delete(ballast);
        await _lab.AskAsync("resume", "web");
        await vm.MoreAsync(200);
        vm.Writer.Stop();
        Assert.Equal(0u, vm.Writer.LastError);
        await vm.InSyncAsync();
        var images = await vm.TestImagesAsync(await vm.PointAsync());
        WriteOrderCheck.Equal(await File.ReadAllBytesAsync(vm.Disks[0]), images[0], "the disk after room was made");
        await _lab.JournalIsSoundAsync();
    }

    private async Task StartAsync(string size)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root to mount a small file system");
        Directory.CreateDirectory(_lab.AgentData);
        _mounted = OutsideTool.Require("mount", "mount")
            .Run("-t", "tmpfs", "-o", "size=" + size, "tmpfs", _lab.AgentData).ExitCode == 0;
        Assert.SkipUnless(_mounted, "no file system can be mounted here");
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
    }

    private static void Fill(string path)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            for (var block = new byte[4096]; ;)
            {
                file.Write(block);
            }
        }
        catch (IOException e)
        {
            Assert.Contains("No space left", e.Message, StringComparison.Ordinal);
        }
    }
}

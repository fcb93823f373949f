using System.Globalization;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>The paths next to the main one, by drctl: a full cache, pause, resync, cancel, disable, a grown disk, the
/// history.</summary>
public sealed class Paths : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    [Trait("Req", "I27")]
    [Trait("Req", "RES-1")]
    public async Task A_full_cache_lets_the_guest_go_on_says_so_and_heals_by_itself()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync("--cache-limit", "1MiB");
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 24, paceMs: 0);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        await _lab.AskAsync("pause", "web");
        await vm.WriteAsync();
        await vm.MoreAsync(1500);
        await _lab.UntilViewAsync("web", "a warning with its cause", v =>
            (string?)v["source"]!["capture"] == "dirty-map"
            && v["causes"]!.AsArray().Any(c => (string?)c!["code"] == "cache-full"));
        await vm.MoreAsync(200);
        Assert.Equal(0u, vm.Writer.LastError);
        await _lab.AskAsync("resume", "web");
        vm.Writer.Stop();
        await vm.InSyncAsync();
        await _lab.UntilViewAsync("web", "normal again", v =>
            v["causes"]!.AsArray().All(c => (string?)c!["code"] != "cache-full"));
        await EqualAsync(vm, "after a full cache");
    }

    [Fact]
    [Trait("Req", "I17")]
    [Trait("Req", "OPS-5")]
    public async Task The_history_tells_the_state_at_every_event_and_the_last_is_what_is_shown()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        var point = await vm.PointAsync();
        await vm.TestImagesAsync(point);
        await _lab.AskAsync("hold-point", "web", point);
        await _lab.AskAsync("failover", "web", "--kind", "planned");
        var commit = await _lab.RunAsync("commit", "web");
        Assert.Equal(1, commit.Code);
        Assert.Contains($"`drctl release-point web {point}`", commit.Errors, StringComparison.Ordinal);
        await _lab.AskAsync("cancel", "web");
        await vm.InSyncAsync();
        Assert.Contains("by operator since", (await _lab.RunAsync("points", "web")).Output, StringComparison.Ordinal);
        await _lab.AskAsync("release-point", "web", point);
        var lines = (await _lab.RunAsync("log", "web", "--json")).Output.Split('\n',
            StringSplitOptions.RemoveEmptyEntries)
            .Select(l => JsonNode.Parse(l)!).ToList();
        Assert.Equal(Enumerable.Range(1, lines.Count).Select(i => (long)i), lines.Select(l => (long)l["seq"]!));
        JsonNode? last = null;
        foreach (var line in lines)
        {
            var seq = ((long)line["seq"]!).ToString(CultureInfo.InvariantCulture);
            last = await _lab.AskAsync("log", "web", "--at", seq);
            Assert.Equal((long)line["seq"]!, (long)last["seq"]!);
        }

        var view = await _lab.ViewAsync("web");
        Assert.Equal((string?)view["phase"], (string?)last!["phase"]);
        _lab.Service!.Kill();
        await _lab.StartServiceAsync();
        var replayed = await _lab.AskAsync("log", "web", "--at",
            ((long)last["seq"]!).ToString(CultureInfo.InvariantCulture));
        Assert.Equal(last.ToJsonString(), replayed.ToJsonString());
    }

    [Fact]
    public async Task Pause_resync_cancel_change_of_point_and_disable_do_what_they_say()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vms = new List<LabVm>();
        for (var i = 0; i < 3; i++)
        {
            vms.Add(LabVm.Make(_lab, $"vm{i}", disks: 1, mebibytes: 8));
            await vms[i].ProtectAsync();
        }

        var vm = vms[0];
        await vm.InSyncAsync();
        var first = await vm.PointAsync();
        await vm.WriteAsync();
        await vm.MoreAsync(50);
        await _lab.AskAsync("pause", vm.Name);
        await vm.MoreAsync(50);
        vm.Writer.Stop();
        await _lab.AskAsync("resume", vm.Name);
        await vm.InSyncAsync();
        await EqualAsync(vm, "after pause and resume");
        await _lab.AskAsync("resync", vm.Name);
        await vm.InSyncAsync();
        await EqualAsync(vm, "after a resync");

        var recovered = await _lab.AskAsync("failover", vm.Name, "--kind", "unplanned");
        Assert.Equal(0u, NbdImages.WriteBlock(LabVm.Uris(recovered)[0], 3, new byte[NumberedWrite.Bytes]));
        var refused = await _lab.RunAsync("change-point", vm.Name, first);
        Assert.Contains("or change the point with --discard", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(1, refused.Code);
        var changed = await _lab.AskAsync("change-point", vm.Name, first, "--discard");
        WriteOrderCheck.Equal(vm.Bases[0], NbdImages.Read(LabVm.Uris(changed)[0]), "the first point");
        await _lab.AskAsync("cancel", vm.Name);
        await vm.InSyncAsync();
        await vm.WriteAsync();
        await vm.MoreAsync(50);
        vm.Writer.Stop();
        Assert.Equal(0u, vm.Writer.LastError);
        await EqualAsync(vm, "after a cancelled failover");

        await _lab.AskAsync("disable", vms[1].Name, "--keep-replica");
        Assert.True(Directory.Exists(Path.Combine(_lab.ServiceData, "vms", vms[1].Name)));
        await _lab.AskAsync("disable", vms[1].Name);
        Assert.False(Directory.Exists(Path.Combine(_lab.ServiceData, "vms", vms[1].Name)));
        await _lab.AskAsync("disable", vms[2].Name);
        Assert.False(Directory.Exists(Path.Combine(_lab.ServiceData, "vms", vms[2].Name)));
        Assert.False(Directory.Exists(Path.Combine(_lab.AgentData, "volumes", vms[2].Name)));
        await vms[2].ProtectAsync();
        await vms[2].InSyncAsync();
        await EqualAsync(vms[2], "protected again");
    }

    [Fact]
    [Trait("Req", "RES-7")]
    public async Task A_disk_that_grew_while_the_agent_was_down_is_grown_at_the_target()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        Assert.Equal(0, _lab.Agent!.Stop());
        using (var file = new FileStream(vm.Disks[0], FileMode.Append))
        {
            file.Write(Enumerable.Repeat((byte)7, 4 << 20).ToArray());
        }

        await _lab.StartAgentAsync();
        var grown = new LabVm(_lab, "web", vm.Disks, vm.Writer);
        await _lab.UntilViewAsync("web", "the new size", v =>
            (long)v["source"]!["disks"]![0]!["sizeBytes"]! == 12 << 20);
        await grown.WriteAsync();
        await grown.MoreAsync(100);
        grown.Writer.Stop();
        await grown.InSyncAsync();
        await EqualAsync(grown, "the grown disk");
    }

    private static async Task EqualAsync(LabVm vm, string what)
    {
        var images = await vm.TestImagesAsync(await vm.PointAsync());
        for (var i = 0; i < images.Count; i++)
        {
            WriteOrderCheck.Equal(await File.ReadAllBytesAsync(vm.Disks[i]), images[i], $"disk {i} {what}");
        }
    }
}

using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>Disks that are cut, grown, moved or gone, while they are served and over restarts (A4, A5).</summary>
public sealed class Disks_changed_outside : IDisposable
{
    private const int Size = 8 << 20;
    private const uint NoSpace = NbdWire.Enospc;
    private const uint InputOutput = NbdWire.Eio;
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_disk_that_is_cut_is_told_not_served_behind_its_end_and_compared_when_it_is_whole_again()
    {
        var vm = await ProtectedAsync();
        var uri = (await vm.SourceUrisAsync())[0];
        using (var client = NbdImages.Open(uri))
        {
            SetLength(vm.Disks[0], Size / 2);
            Assert.Equal(NoSpace, client.Write(Size - 4096, new byte[4096]));
            Assert.Equal(InputOutput, client.Read(Size - 4096, 4096).Error);
            Assert.Equal(0u, client.Write(4096, [.. Enumerable.Repeat((byte)7, 4096)]));
        }

        await ToldAsync("was truncated");
        Assert.Equal(Size / 2, new FileInfo(vm.Disks[0]).Length);
        SetLength(vm.Disks[0], Size);
        await _lab.UntilViewAsync("web", "is well again", v => (string?)v["health"] == "normal");
        await vm.InSyncAsync();
        await PointEqualsAsync(vm);
    }

    [Fact]
    public async Task A_disk_that_has_grown_is_taken_up_without_a_restart()
    {
        var vm = await ProtectedAsync();
        const int grown = (2 * Size) + 777;
        SetLength(vm.Disks[0], grown);
        await _lab.UntilViewAsync("web", "the new size is known", v =>
            (long)v["source"]!["disks"]![0]!["sizeBytes"]! == grown);
        var uri = (await vm.SourceUrisAsync())[0];
        using (var client = NbdImages.Open(uri))
        {
            Assert.Equal(grown, client.Export.Size);
            Assert.Equal(0u, client.Write(grown - 100, [.. Enumerable.Repeat((byte)9, 100)]));
            Assert.Equal(NoSpace, client.Write(grown - 100, new byte[200]));
        }

        await vm.InSyncAsync();
        await PointEqualsAsync(vm);
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public async Task A_disk_that_somebody_else_writes_while_it_is_served_is_compared()
    {
        var vm = await ProtectedAsync();
        await using (var file = new FileStream(
            vm.Disks[0], FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
        {
            file.Position = 5 << 20;
            file.Write([.. Enumerable.Repeat((byte)0xEE, 1 << 20)]);
        }

        await _lab.UntilAsync("the agent tells of it", () => Task.FromResult(
            _lab.Agent!.Errors.Contains("changed by another program while it was served", StringComparison.Ordinal)));
        await vm.InSyncAsync();
        await PointEqualsAsync(vm);
    }

    [Fact]
    public async Task A_disk_that_was_replaced_may_be_another_vms()
    {
        var vm = await ProtectedAsync();
        Assert.Equal(0, _lab.Agent!.Stop());
        var was = vm.Disks[0] + ".was";
        File.Move(vm.Disks[0], was);
        File.Copy(was, vm.Disks[0]);
        await _lab.StartAgentAsync();
        await vm.InSyncAsync();
        await _lab.AskAsync("protect", "two", "--disk", was);
        await vm.InSyncAsync();
    }

    [Fact]
    public async Task A_disk_whose_path_leads_elsewhere_is_told()
    {
        var vm = await ProtectedAsync();
        var away = vm.Disks[0] + ".away";
        File.Move(vm.Disks[0], away);
        await ToldAsync("moved or deleted");
        File.WriteAllBytes(vm.Disks[0], new byte[Size]);
        Assert.NotEqual("normal", (string?)(await _lab.ViewAsync("web"))["health"]);
        File.Move(away, vm.Disks[0], overwrite: true);
        await _lab.UntilViewAsync("web", "is well again", v => (string?)v["health"] == "normal");
    }

    [Fact]
    public async Task A_disk_that_is_missing_or_too_small_after_a_restart_is_told_and_served_once_it_is_back()
    {
        var vm = await ProtectedAsync();
        Assert.Equal(0, _lab.Agent!.Stop());
        File.Move(vm.Disks[0], vm.Disks[0] + ".away");
        await _lab.StartAgentAsync();
        await ToldAsync("No such file");
        await _lab.UntilViewAsync(
            "web", "is the primary and serves no disk", v => (string?)v["source"]!["role"] == "primary"
                && (string?)v["source"]!["capture"] == "closed" && v["source"]!["disks"]![0]!["uri"] is null);
        File.Move(vm.Disks[0] + ".away", vm.Disks[0]);
        await vm.SourceUrisAsync();
        await _lab.UntilViewAsync("web", "is well again", v => (string?)v["health"] == "normal", 60);

        Assert.Equal(0, _lab.Agent!.Stop());
        SetLength(vm.Disks[0], Size / 2);
        await _lab.StartAgentAsync();
        await ToldAsync("grow it to that size");
        Assert.Equal(Size / 2, new FileInfo(vm.Disks[0]).Length);
    }

    [Fact]
    public async Task A_block_device_is_protected_and_its_point_equals_it_and_a_failback_comes_back_to_it()
    {
        var file = _lab.MakeDisk("below.img", Size, 5);
        using var loop = LoopDevice.Over(file, "-b", "4096");
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync("--allow", loop.Path);
        var vm = new LabVm(
            _lab, "web", [loop.Path], new NumberedWriter(3, 8, TimeProvider.System, LabVm.Pace));
        await vm.ProtectAsync();
        var view = await vm.InSyncAsync();

        // Every third block of the disk is zero, and is not sent although no hole shows it.
        Assert.InRange((long)view["source"]!["wireBytes"]!, 1, Size * 3 / 4);
        using (var client = NbdImages.Open((await vm.SourceUrisAsync())[0]))
        {
            Assert.Equal(0u, client.Call(NbdWire.Trim, 1 << 20, 1 << 20).Error);
            Assert.Equal(0u, client.Call(NbdWire.WriteZeroes, (4 << 20) + 100, 70_000).Error);
            Assert.Equal(0u, client.Call(NbdWire.Flush, 0, 0).Error);
        }

        await vm.InSyncAsync();
        await PointEqualsAsync(vm);
        var recovered = LabVm.Uris(await _lab.AskAsync("failover", "web", "--kind", "planned"));
        var life = new LabVm(
            _lab, "web", vm.Disks, new NumberedWriter(7, 8, TimeProvider.System, LabVm.Pace),
            [.. recovered.Select(NbdImages.Read)]);
        await _lab.AskAsync("commit", "web");
        await _lab.AskAsync("reprotect", "web");
        await life.IsAsync("protected-reverse");
        life.Writer.Start(recovered);
        await life.MoreAsync(100);
        life.Writer.Stop();
        var atCut = NbdImages.Read(recovered[0]);
        await _lab.AskAsync("failback", "web");
        WriteOrderCheck.Equal(atCut, await File.ReadAllBytesAsync(loop.Path), "the source after failback");
    }

    private async Task<LabVm> ProtectedAsync()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: Size >> 20);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        return vm;
    }

    private Task<JsonNode> ToldAsync(string what) => _lab.UntilViewAsync("web", $"tells '{what}'", v =>
        (string?)v["health"] != "normal"
        && v["causes"]!.AsArray().Any(c => ((string)c!["message"]!).Contains(what, StringComparison.Ordinal)));

    private async Task PointEqualsAsync(LabVm vm)
    {
        // The comparison that a repaired disk asks for may begin only now: a point is refused until it has ended.
        await _lab.UntilAsync("a point may be made", async () => (await _lab.RunAsync("point", "web")).Code == 0);
        var newest = (string)(await _lab.AskAsync("points", "web")).AsArray()[0]!["id"]!;
        WriteOrderCheck.Equal(
            await File.ReadAllBytesAsync(vm.Disks[0]), (await vm.TestImagesAsync(newest))[0], "the point");
    }

    private static void SetLength(string path, long bytes)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.SetLength(file, bytes);
    }
}

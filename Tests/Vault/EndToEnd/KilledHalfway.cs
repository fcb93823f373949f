using ReplicationEngine.Tests.TestKit.Processes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>The service dies in the middle of each operation; after its restart the operation ends, and nothing is half
/// done (I20).</summary>
[Trait("Req", "I20")]
[Trait("Req", "I19")]
public sealed class KilledHalfway : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Every_operation_from_initial_replication_to_failback_ends_after_the_restart()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 2, mebibytes: 32);
        await HalfwayAsync(["protect", "web", "--disk", vm.Disks[0], "--disk", vm.Disks[1]]);
        await vm.IsAsync("protected");
        await vm.WriteAsync();
        await vm.MoreAsync(200);
        vm.Writer.Stop();
        await vm.InSyncAsync();
        var point = await vm.PointAsync();

        await HalfwayAsync("failover", "web", "--kind", "test", "--point", point);
        var test = await _lab.UntilViewAsync("web", "the test machine is served", v => v["test"] is not null);
        EqualToSource(vm, LabVm.Uris(test["test"]!), "the test machine");
        await HalfwayAsync("cleanup", "web");
        await _lab.UntilViewAsync("web", "cleaned up", v =>
            v["test"] is null && v["operations"]!.AsArray().Any(o => (string?)o == "test-failover"));

        await HalfwayAsync("failover", "web", "--kind", "unplanned", "--point", point);
        var over = await vm.IsAsync("commit-pending");
        var uris = LabVm.Uris(over["recovered"]!);
        EqualToSource(vm, uris, "the recovered machine");
        var life = new LabVm(
            _lab, "web", vm.Disks, new NumberedWriter(5, 8, TimeProvider.System, TimeSpan.FromMilliseconds(2)),
            [.. uris.Select(NbdImages.Read)]);
        life.Writer.Start(uris);
        await life.MoreAsync(100);
        life.Writer.Stop();
        await HalfwayAsync("commit", "web");
        var failedOver = await vm.IsAsync("failed-over");
        WriteOrderCheck.Complete(
            life.Bases, [.. LabVm.Uris(failedOver["recovered"]!).Select(NbdImages.Read)], life.Writer.Writes,
                "after the commit");

        await HalfwayAsync("reprotect", "web");
        var reverse = await vm.IsAsync("protected-reverse");
        var live = LabVm.Uris(reverse["recovered"]!);
        life.Writer.Start(live);
        await life.MoreAsync(100);
        life.Writer.Stop();
        var atCut = live.Select(NbdImages.Read).ToList();
        await HalfwayAsync("failback", "web");
        await vm.IsAsync("failback-commit-pending");
        for (var i = 0; i < atCut.Count; i++)
        {
            WriteOrderCheck.Equal(atCut[i], await File.ReadAllBytesAsync(vm.Disks[i]),
                $"source disk {i} after failback");
        }

        await HalfwayAsync("commit", "web");
        await vm.IsAsync("failed-back");
        await HalfwayAsync("reprotect", "web");
        await vm.InSyncAsync();
        EqualToSource(vm, await vm.TestImagesAsync(await vm.PointAsync()), "at the end");
    }

    /// <summary>Starts an operation, kills the service while it runs, and starts the service again.</summary>
    private async Task HalfwayAsync(params string[] operation)
    {
        var started = await _lab.RunAsync([.. operation, "--no-wait", "--json"]);
        _lab.Service!.Kill();
        Assert.True(started.Code is 0 or 1, started.Errors);
        await _lab.StartServiceAsync();
        await _lab.AgentConnectedAsync();
    }

    private static void EqualToSource(LabVm vm, IReadOnlyList<string> uris, string what) =>
        EqualToSource(vm, uris.Select(NbdImages.Read).ToList(), what);

    private static void EqualToSource(LabVm vm, IReadOnlyList<byte[]> images, string what)
    {
        for (var i = 0; i < images.Count; i++)
        {
            WriteOrderCheck.Equal(File.ReadAllBytes(vm.Disks[i]), images[i], $"disk {i} of {what}");
        }
    }
}

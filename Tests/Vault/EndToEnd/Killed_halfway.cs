using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>The service dies in the middle of each operation; after its restart the operation ends, and nothing is half
/// done (I20).</summary>
[Trait("Req", "I20")]
[Trait("Req", "I19")]
public sealed class Killed_halfway : IDisposable
{
    private static readonly TimeSpan LatestKill = TimeSpan.FromMilliseconds(400);

    private readonly Lab _lab = new();
    private Random _random = new(0);

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, Math.Max(1, Kills.Rounds / 2))];

    public void Dispose() => _lab.Dispose();

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Every_operation_from_initial_replication_to_failback_ends_after_the_restart(int seed)
    {
        _random = new Random(seed);
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
            _lab, "web", vm.Disks, new NumberedWriter(5, 8, TimeProvider.System, LabVm.Pace),
            [.. uris.Select(NbdImages.Read)]);
        life.Writer.Start(uris);
        await life.MoreAsync(100);
        life.Writer.Stop();
        await HalfwayAsync("commit", "web");
        var failedOver = await vm.IsAsync("failed-over");
        WriteOrderCheck.Complete(
            life.Bases, [.. LabVm.Uris(failedOver["recovered"]!).Select(NbdImages.Read)], life.Writer.Writes,
                "after the commit");

        await HalfwayAsync("reprotect", "web", "--discard");
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
        await _lab.JournalIsSoundAsync();
        await _lab.ReadModelsAreTrueAsync();
    }

    /// <summary>
    /// Starts an operation, kills the service at a random moment of it (and half of the time the agent with it), starts
    /// both again, and repeats the operation when it had not been accepted.
    /// </summary>
    private async Task HalfwayAsync(params string[] operation)
    {
        var running = _lab.RunAsync([.. operation, "--no-wait", "--json"]);
        await Task.Delay(_random.NextDouble() * LatestKill, TimeProvider.System);
        var killsAgent = _random.Next(2) == 0;
        if (killsAgent)
        {
            _lab.Agent!.Kill();
        }

        _lab.Service!.Kill();
        var started = await running;
        await _lab.StartServiceAsync();
        if (killsAgent)
        {
            await _lab.StartAgentAsync();
        }

        await _lab.AgentConnectedAsync();
        if (started.Code != 0)
        {
            var again = await _lab.RunAsync([.. operation, "--no-wait", "--json"]);
            Assert.True(again.Code is 0 or 1, $"{string.Join(' ', operation)}: {again.Errors}");
        }
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

using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>A machine with two disks from protection to failback and on, while it writes, and its source is lost on the
/// way.</summary>
public sealed partial class A_whole_life : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    [Trait("Req", "I4")]
    [Trait("Req", "I16")]
    [Trait("Req", "I21")]
    [Trait("Req", "I22")]
    [Trait("Req", "I23")]
    [Trait("Req", "I24")]
    [Trait("Req", "FOV-1")]
    [Trait("Req", "FOV-6")]
    [Trait("Req", "FOV-9")]
    public async Task Protect_test_lose_the_source_fail_over_come_back_and_protect_again()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 2, mebibytes: 24);
        await _lab.AskAsync(["protect", "web", "--no-wait", .. vm.Disks.SelectMany(d => new[] { "--disk", d })]);
        await vm.WriteAsync();
        await vm.IsAsync("protected");
        await vm.MoreAsync(200);
        vm.Writer.Stop();

        await TestFailoverEqualsTheSourceAsync(vm);
        await LoseTheSourceAsync(vm);
        var (recovered, point) = await FailOverAsync(vm);
        var bases = recovered.Select(NbdImages.Read).ToList();
        var life = new LabVm(_lab, "web", vm.Disks, Writer(77), bases);
        await _lab.AskAsync("commit", "web");
        life.Writer.Start(recovered);
        await life.MoreAsync(300);

        await SourceReturnsFencedAsync(vm);
        await _lab.AskAsync("reprotect", "web", "--discard");
        await life.IsAsync("protected-reverse");
        await life.MoreAsync(200);
        life.Writer.Stop();
        Assert.Equal(0u, life.Writer.LastError);
        var atCut = recovered.Select(NbdImages.Read).ToList();
        WriteOrderCheck.Complete(bases, atCut, life.Writer.Writes, "the recovered machine");

        var back = await _lab.AskAsync("failback", "web");
        for (var i = 0; i < atCut.Count; i++)
        {
            WriteOrderCheck.Equal(atCut[i], await File.ReadAllBytesAsync(vm.Disks[i]),
                $"source disk {i} after failback");
        }

        await _lab.AskAsync("commit", "web");
        await _lab.AskAsync("reprotect", "web");
        var home = new LabVm(_lab, "web", vm.Disks, Writer(99));
        home.Writer.Start(LabVm.Uris(back));
        await home.InSyncAsync();
        await home.MoreAsync(100);
        home.Writer.Stop();
        await PointEqualsSourceAsync(home);
        Assert.NotEqual(point, await home.PointAsync());
        await _lab.JournalIsSoundAsync();
    }

    // Files of the store belong to the replica (owner 0) or to one of its overlays.
    [System.Text.RegularExpressions.GeneratedRegex(
        "^overlay-|^(log|compact|layer)-(?!00000000-)", System.Text.RegularExpressions.RegexOptions.None, 1000)]
    private static partial System.Text.RegularExpressions.Regex OfOverlay();

    private static NumberedWriter Writer(int seed) => new(seed, 8, TimeProvider.System, LabVm.Pace);

    private async Task TestFailoverEqualsTheSourceAsync(LabVm vm)
    {
        await PointEqualsSourceAsync(vm);
        var left = Directory.GetFiles(_lab.ServiceData, "*", SearchOption.AllDirectories)
            .Where(f => OfOverlay().IsMatch(Path.GetFileName(f)) || f.Contains("/test/", StringComparison.Ordinal));
        Assert.Empty(left);
    }

    private async Task PointEqualsSourceAsync(LabVm vm)
    {
        var point = await vm.PointAsync();
        var test = await _lab.AskAsync("failover", "web", "--kind", "test", "--point", point);
        var uris = LabVm.Uris(test);
        for (var i = 0; i < uris.Count; i++)
        {
            WriteOrderCheck.Equal(await File.ReadAllBytesAsync(vm.Disks[i]), NbdImages.Read(uris[i]),
                $"disk {i} of point {point}");
            Assert.Equal(0u, NbdImages.WriteBlock(uris[i], 1, NumberedWrite.Content(-1)));
        }

        await _lab.AskAsync("cleanup", "web");
        Assert.All(uris, uri => Assert.Throws<InvalidDataException>(() => NbdImages.Open(uri).Dispose()));
    }

    private async Task LoseTheSourceAsync(LabVm vm)
    {
        await vm.WriteAsync();
        await vm.MoreAsync(400);
        _lab.Agent!.Kill();
        vm.Writer.Stop();
        Directory.Move(_lab.SiteA, _lab.SiteA + ".lost");
    }

    private async Task<(IReadOnlyList<string> Uris, string Point)> FailOverAsync(LabVm vm)
    {
        var asked = TimeProvider.System.GetUtcNow();
        Directory.CreateDirectory(_lab.SiteA);
        var failover = await _lab.AskAsync("failover", "web", "--kind", "unplanned", "--point", "latest");
        Directory.Delete(_lab.SiteA);
        var uris = LabVm.Uris(failover);
        var missing = WriteOrderCheck.Prefix(vm.Bases, [.. uris.Select(NbdImages.Read)], vm.Writer.Writes,
            "the recovered disks");
        LabVm.LossIsHonest(missing, failover, asked);
        return (uris, (string)failover["point"]!["id"]!);
    }

    private async Task SourceReturnsFencedAsync(LabVm vm)
    {
        Directory.Move(_lab.SiteA + ".lost", _lab.SiteA);
        await _lab.StartAgentAsync();
        var view = await _lab.UntilViewAsync("web", "fenced", v =>
            (string?)v["source"]!["role"] == "fenced"
                && v["source"]!["disks"]!.AsArray().All(d => d!["uri"] is not null)
            && v["causes"]!.AsArray().Any(c => (string?)c!["code"] == "source-fenced"));
        var uris = LabVm.Uris(view["source"]!);
        Assert.All(uris, uri => Assert.Equal(NbdWire.Eperm, NbdImages.WriteBlock(uri, 0, NumberedWrite.Content(-2))));
        vm.Writer.Settle(vm.SourceImages());
        vm.SourceIsComplete("the fenced source");
        Assert.Contains("fenced", (await _lab.RunAsync("status", "web")).Output, StringComparison.OrdinalIgnoreCase);
    }
}

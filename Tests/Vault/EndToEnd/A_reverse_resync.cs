using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>A resync that is ordered while the machine runs at the target side and is replicated back.</summary>
public sealed class A_reverse_resync : IDisposable
{
    private const int Changed = 5 << 20;
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    [Trait("Req", "RES-6")]
    [Trait("Req", "I24")]
    public async Task Ordered_while_protected_in_reverse_it_compares_all_and_ends_and_the_failback_follows()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 2, mebibytes: 8);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        var recovered = LabVm.Uris(await _lab.AskAsync("failover", "web", "--kind", "planned"));
        var life = new LabVm(
            _lab, "web", vm.Disks, new NumberedWriter(7, 8, TimeProvider.System, LabVm.Pace),
            [.. recovered.Select(NbdImages.Read)]);
        await _lab.AskAsync("commit", "web");
        await _lab.AskAsync("reprotect", "web");
        await life.IsAsync("protected-reverse");

        // Behind the agent's back, where the machine does not write: only a comparison of all finds it.
        var before = await File.ReadAllBytesAsync(vm.Disks[1]);
        WriteAt(vm.Disks[1], Changed, [.. before.AsSpan(Changed, 4096).ToArray().Select(b => (byte)~b)]);
        life.Writer.Start(recovered);
        await life.MoreAsync(100);
        var job = await _lab.AskAsync("resync", "web");
        Assert.Equal("succeeded", (string?)job["state"]);
        await _lab.UntilViewAsync("web", "failback is offered again", v =>
            (string?)v["phase"] == "protected-reverse"
            && v["operations"]!.AsArray().Any(o => (string?)o == "failback"));
        await life.MoreAsync(100);
        life.Writer.Stop();
        Assert.Equal(0u, life.Writer.LastError);

        var atCut = recovered.Select(NbdImages.Read).ToList();
        WriteOrderCheck.Complete(life.Bases, atCut, life.Writer.Writes, "the recovered machine");
        await _lab.AskAsync("failback", "web");
        for (var i = 0; i < atCut.Count; i++)
        {
            WriteOrderCheck.Equal(atCut[i], await File.ReadAllBytesAsync(vm.Disks[i]),
                $"source disk {i} after failback");
        }

        await _lab.AskAsync("commit", "web");
        await life.IsAsync("failed-back");
    }

    private static void WriteAt(string path, long offset, byte[] bytes)
    {
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        RandomAccess.Write(file, bytes, offset);
    }
}

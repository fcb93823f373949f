using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>A data directory whose journal is lost, older, or another vault's (docs/RUNBOOK.md).</summary>
public sealed class A_lost_journal : IDisposable
{
    private readonly Lab _lab = new();

    private string Journal => Path.Combine(_lab.ServiceData, "journal.db");

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task Is_told_the_points_are_read_without_it_and_a_recovered_one_goes_on()
    {
        var vm = await ProtectedAsync("web");
        var point = await vm.PointAsync();
        var atPoint = vm.SourceImages();
        await vm.WriteAsync();
        await vm.MoreAsync(100);
        var older = await vm.PointAsync();
        vm.Writer.Stop();
        _lab.Service!.Kill();
        DeleteJournal();

        var before = Digest(_lab.ServiceData);
        var refused = await RefusedStartAsync(_lab.ServiceData);
        Assert.All(
            new[] { "'web'", "1 disk", "recovery point", "drctl recover --data", "drctl replica serve", "journal.db" },
            part => Assert.Contains(part, refused, StringComparison.Ordinal));
        var listed = await _lab.AskAsync("replica", "list", "--data", _lab.ServiceData);
        var listing = Assert.Single(listed["replicas"]!.AsArray())!;
        Assert.Equal(vm.Disks[0], (string?)listing["disks"]![0]!["path"]);
        Assert.Contains(listing["points"]!.AsArray(), p => (string?)p!["id"] == point);
        Assert.True((bool)(await _lab.AskAsync("replica", "verify", "--data", _lab.ServiceData))["sound"]!);
        await ServedEqualsAsync(atPoint, "--point", point);
        Assert.Equal(before, Digest(_lab.ServiceData));
        Assert.False(_lab.Agent!.HasExited, _lab.Agent.Errors);

        var recovered = await _lab.AskAsync("recover", "--data", _lab.ServiceData);
        Assert.Equal("protected", (string?)recovered["vms"]![0]!["phase"]);
        await _lab.StartServiceAsync();
        await vm.InSyncAsync();
        var points = (await _lab.AskAsync("points", "web")).AsArray().Select(p => (string?)p!["id"]).ToList();
        Assert.Contains(point, points);
        Assert.Contains(older, points);
        await vm.WriteAsync();
        await vm.MoreAsync(50);
        vm.Writer.Stop();
        await EqualsSourceAsync(vm);
        WriteOrderCheck.Equal(atPoint[0], (await vm.TestImagesAsync(point))[0], "the point from before");
        await _lab.JournalIsSoundAsync();
    }

    [Fact]
    public async Task In_all_its_kinds_is_refused_and_a_whole_one_is_taken()
    {
        var vm = await ProtectedAsync("web");
        Assert.Equal(0, _lab.Service!.Stop());
        var older = File.ReadAllBytes(Journal);
        await _lab.StartServiceAsync();
        await _lab.AgentConnectedAsync();
        await vm.InSyncAsync();
        await vm.PointAsync();
        var killed = CopyOf(_lab.ServiceData, "killed", () => _lab.Service!.Kill());

        await RefusedAsync(killed, "missing", DeleteJournal, "no journal");
        await RefusedAsync(killed, "empty", d => Overwrite(d, []), "no journal");
        await RefusedAsync(killed, "older", d => Overwrite(d, older), "older");
        await RefusedAsync(killed, "without-recent-writes", d => File.Delete(Path.Combine(d, "journal.db-wal")), "web");
        await RefusedAsync(killed, "recent-writes-only", d => File.Delete(Path.Combine(d, "journal.db")), "-wal");
        await RefusedAsync(killed, "not-a-journal", d => Overwrite(d, Encoding.ASCII.GetBytes("not a journal")), "");
        var garbage = new byte[64 << 10];
        new Random(7).NextBytes(garbage);
        await RefusedAsync(killed, "garbage", d => Overwrite(d, garbage), "damaged");
        await RefusedAsync(killed, "truncated", d => Overwrite(d, older.AsSpan(0, older.Length / 2).ToArray()), "");
        await RefusedAsync(killed, "cut-short", d => Overwrite(d, older.AsSpan(0, 1000).ToArray()), "");
        byte[] whole = [.. older[..4096], .. garbage[..4096], .. older[8192..]];
        await RefusedAsync(killed, "page-overwritten", d => Overwrite(d, whole), "damaged");
        var fresh = await FreshJournalAsync();
        await RefusedAsync(killed, "fresh", d => Overwrite(d, fresh), "has no events of 'web'");
        await RefusedAsync(killed, "header-only", d => Overwrite(d, fresh.AsSpan(0, 4096).ToArray()), "");

        // A release that was cut short leaves no replica behind: it does not hold up the start.
        Directory.CreateDirectory(Path.Combine(killed, "vms", "half-deleted"));
        File.WriteAllBytes(Path.Combine(killed, "vms", "half-deleted", "key"), new byte[32]);
        Directory.Delete(_lab.ServiceData, recursive: true);
        Directory.Move(killed, _lab.ServiceData);
        await _lab.StartServiceAsync();
        await vm.InSyncAsync();
    }

    [Fact]
    public async Task That_is_damaged_is_refused_with_what_there_is_and_replaced_when_that_is_said()
    {
        var vm = await ProtectedAsync("web");
        var point = await vm.PointAsync();
        _lab.Service!.Kill();
        var garbage = new byte[64 << 10];
        new Random(7).NextBytes(garbage);
        Overwrite(_lab.ServiceData, garbage);

        var refused = await RefusedStartAsync(_lab.ServiceData);
        Assert.Contains("damaged", refused, StringComparison.Ordinal);
        Assert.Contains("recover --data " + _lab.ServiceData + " --replace-journal", refused, StringComparison.Ordinal);
        var recover = await _lab.RunAsync("recover", "--data", _lab.ServiceData);
        Assert.Equal(1, recover.Code);
        Assert.Contains("damaged", recover.Errors, StringComparison.Ordinal);
        var recovered = await _lab.AskAsync("recover", "--data", _lab.ServiceData, "--replace-journal");
        Assert.Equal(garbage, File.ReadAllBytes((string)recovered["setAside"]!));
        await _lab.StartServiceAsync();
        await vm.InSyncAsync();
        Assert.Contains((await _lab.AskAsync("points", "web")).AsArray(), p => (string?)p!["id"] == point);
        await EqualsSourceAsync(vm);
    }

    [Fact]
    public async Task With_a_damaged_event_in_its_midst_may_be_replaced()
    {
        var vm = await ProtectedAsync("web");
        Assert.Equal(0, _lab.Service!.Stop());
        var bytes = File.ReadAllBytes(Journal);
        var disk = Encoding.UTF8.GetBytes(vm.Disks[0]);
        Assert.True(bytes.AsSpan().IndexOf(disk) > 0, "the journal names the disk");

        // Rows that were moved to another page leave bytes behind that nobody reads: so wherever it is named.
        for (var at = bytes.AsSpan().IndexOf(disk); at >= 0; at = bytes.AsSpan().IndexOf(disk))
        {
            bytes[at + 1] ^= 1;
        }

        Overwrite(_lab.ServiceData, bytes);

        await _lab.AskAsync("recover", "--data", _lab.ServiceData, "--replace-journal");
        await _lab.StartServiceAsync();
        await EqualsSourceAsync(vm);
    }

    [Fact]
    public async Task Of_another_vault_is_refused_though_it_knows_a_vm_of_that_name()
    {
        var vm = await ProtectedAsync("web");
        Assert.Equal(0, _lab.Service!.Stop());
        var first = Path.Combine(_lab.Root, "first");
        Directory.Move(_lab.ServiceData, first);

        // First: an agent that meets the new service gives its key to the name.
        _lab.Agent!.Kill();
        Directory.Delete(_lab.AgentData, recursive: true);
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        await vm.ProtectAsync();
        for (var i = 0; i < 3; i++)
        {
            await vm.PointAsync();
        }

        Assert.Equal(0, _lab.Service!.Stop());
        File.Copy(Journal, Path.Combine(first, "journal.db"), overwrite: true);
        Assert.Contains("another", await RefusedStartAsync(first), StringComparison.Ordinal);
        var recovered = await _lab.AskAsync("recover", "--data", first, "--replace-journal");
        Assert.True(File.Exists((string?)recovered["setAside"]));
        Assert.NotEqual(0, (await _lab.RunAsync("recover", "--data", first)).Code);
        Assert.NotEqual(0, (await _lab.RunAsync("recover", "--data", first, "--replace-journal")).Code);
    }

    [Fact]
    [Trait("Req", "FOV-8")]
    public async Task After_a_failover_keeps_the_recovered_machine_and_the_fence()
    {
        var vm = await ProtectedAsync("web");
        var failover = await _lab.AskAsync("failover", "web", "--kind", "unplanned");
        var uris = LabVm.Uris(failover);
        var machine = new LabVm(
            _lab, "web", vm.Disks, new NumberedWriter(5, 4, TimeProvider.System, LabVm.Pace),
            [.. uris.Select(NbdImages.Read)]);
        machine.Writer.Start(uris);
        await machine.MoreAsync(100);
        machine.Writer.Stop();
        var written = NbdImages.Read(uris[0]);
        _lab.Service!.Kill();
        DeleteJournal();

        await ServedEqualsAsync([written], "--vm", "web", "--point", "live");
        var recovered = await _lab.AskAsync("recover", "--data", _lab.ServiceData);
        Assert.Equal("commit-pending", (string?)recovered["vms"]![0]!["phase"]);
        await _lab.StartServiceAsync();
        var view = await _lab.UntilViewAsync("web", "the machine is served again and the source fenced", v =>
            v["recovered"]?["disks"] is JsonArray { Count: > 0 } && (string?)v["source"]!["role"] == "fenced");
        WriteOrderCheck.Equal(written, NbdImages.Read((string)view["recovered"]!["disks"]![0]!["uri"]!), "the machine");
        await _lab.AskAsync("commit", "web");
        await _lab.AskAsync("reprotect", "web");
        await vm.IsAsync("protected-reverse");

        // Lost again while the source is a replica: nobody changes sides.
        _lab.Service!.Kill();
        DeleteJournal();
        Assert.Equal(
            "reprotecting",
            (string?)(await _lab.AskAsync("recover", "--data", _lab.ServiceData))["vms"]![0]!["phase"]);
        await _lab.StartServiceAsync();
        await vm.IsAsync("protected-reverse");
        await _lab.AskAsync("failback", "web");
        WriteOrderCheck.Equal(written, await File.ReadAllBytesAsync(vm.Disks[0]), "the source after the failback");
        await _lab.AskAsync("commit", "web");
        await _lab.JournalIsSoundAsync();
    }

    [Fact]
    public async Task A_foreign_replica_is_never_adopted_nor_deleted()
    {
        var vm = await ProtectedAsync("web");
        await vm.PointAsync();
        var foreign = CopyOf(Path.Combine(_lab.ServiceData, "vms", "web"), "foreign", () => { });
        await _lab.AskAsync("disable", "web");
        Directory.Move(foreign, Path.Combine(_lab.ServiceData, "vms", "web"));
        var before = Digest(Path.Combine(_lab.ServiceData, "vms", "web"));

        var protect = await _lab.RunAsync("protect", "web", "--disk", vm.Disks[0]);
        Assert.Equal(1, protect.Code);
        Assert.Contains("another history", protect.Errors, StringComparison.Ordinal);
        await _lab.RunAsync("disable", "web");
        Assert.Equal(before, Digest(Path.Combine(_lab.ServiceData, "vms", "web")));
    }

    [Fact]
    public async Task A_kept_replica_is_taken_up_again_with_its_points()
    {
        var vm = await ProtectedAsync("web");
        var point = await vm.PointAsync();
        var image = vm.SourceImages()[0];
        await _lab.AskAsync("disable", "web", "--keep-replica");
        Assert.Equal(1, (await _lab.RunAsync(
            "protect", "web", "--disk", _lab.MakeDisk("other.img", 8 << 20, 3))).Code);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        WriteOrderCheck.Equal(image, (await vm.TestImagesAsync(point))[0], "the kept point");
        await EqualsSourceAsync(vm);
    }

    private async Task<LabVm> ProtectedAsync(string name)
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, name, disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        return vm;
    }

    private async Task EqualsSourceAsync(LabVm vm)
    {
        await vm.InSyncAsync();
        var point = await vm.PointAsync();
        WriteOrderCheck.Equal(vm.SourceImages()[0], (await vm.TestImagesAsync(point))[0], $"point {point}");
    }

    private async Task ServedEqualsAsync(IReadOnlyList<byte[]> images, params string[] which)
    {
        using var serving = _lab.Start(["replica", "serve", "--data", _lab.ServiceData, "--json", .. which]);
        await _lab.UntilAsync(
            "the replica is served", () => Task.FromResult(serving.Output.Contains('\n') || serving.HasExited));
        Assert.False(serving.HasExited, serving.Errors);
        var uris = LabVm.Uris(JsonNode.Parse(serving.Output)!);
        for (var i = 0; i < images.Count; i++)
        {
            WriteOrderCheck.Equal(images[i], NbdImages.Read(uris[i]), $"served disk {i}");
            Assert.NotEqual(0u, NbdImages.WriteBlock(uris[i], 0, new byte[4096]));
        }

        var neighbour = await RefusedStartAsync(_lab.ServiceData);
        Assert.Contains("`drctl replica serve`", neighbour, StringComparison.Ordinal);
        var recover = await _lab.RunAsync("recover", "--data", _lab.ServiceData);
        Assert.Equal(1, recover.Code);
        Assert.Contains("`drctl replica serve`", recover.Errors, StringComparison.Ordinal);
        Assert.Equal(0, serving.Stop());
    }

    private async Task RefusedAsync(string killed, string kind, Action<string> change, string says)
    {
        var copy = CopyOf(killed, kind, () => { });
        change(copy);
        var before = Digest(copy);
        var said = await RefusedStartAsync(copy);
        Assert.All(
            new[] { says, "'web' (1 disk", "recovery point", "drctl recover --data", "drctl replica serve" },
            part => Assert.Contains(part, said, StringComparison.Ordinal));
        Assert.Equal(before, Digest(copy));
    }

    private async Task<string> RefusedStartAsync(string data)
    {
        var service = _lab.Start("serve", "--data", data, "--listen", _lab.Server);
        await _lab.UntilAsync("the service has refused", () => Task.FromResult(service.HasExited));
        Assert.Equal(1, service.WaitForExit());
        return service.Errors.TrimEnd().Split('\n')[^1];
    }

    private async Task<byte[]> FreshJournalAsync()
    {
        var directory = Path.Combine(_lab.Root, "fresh-vault");
        using var service = _lab.Start("serve", "--data", directory, "--listen", _lab.Server);
        await _lab.UntilAsync("the new vault runs", async () =>
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync("127.0.0.1", new Uri(_lab.Server).Port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        });
        Assert.Equal(0, service.Stop());
        return File.ReadAllBytes(Path.Combine(directory, "journal.db"));
    }

    private string CopyOf(string directory, string name, Action first)
    {
        first();
        var copy = Path.Combine(_lab.Root, name);
        _lab.CopyAll(directory, copy);
        return copy;
    }

    private void DeleteJournal() => DeleteJournal(_lab.ServiceData);

    private static void DeleteJournal(string data) =>
        Directory.GetFiles(data, "journal.db*").ToList().ForEach(File.Delete);

    private static void Overwrite(string data, byte[] journal)
    {
        DeleteJournal(data);
        File.WriteAllBytes(Path.Combine(data, "journal.db"), journal);
    }

    // Locks and sockets come and go, and SQLite keeps an index of shared memory next to a journal that is read.
    private static string Digest(string directory)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var file in Directory.GetFiles(directory, "*", SearchOption.AllDirectories)
            .Where(f => !f.EndsWith("lock", StringComparison.Ordinal) && !f.EndsWith(".sock", StringComparison.Ordinal)
                && !f.EndsWith("-shm", StringComparison.Ordinal)).Order(StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{Path.GetRelativePath(directory, file)}\n"));
            hash.AppendData(File.ReadAllBytes(file));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }
}

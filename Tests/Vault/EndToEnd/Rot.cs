using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>One flipped bit in what is stored: right bytes or a clear answer, never wrong bytes (I7).</summary>
[Trait("Req", "I7")]
public sealed class Rot : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task In_a_segment_of_the_replica_it_ends_in_a_typed_error_and_never_in_wrong_bytes()
    {
        var vm = await ProtectedAsync();
        var source = vm.SourceImages();
        var point = await vm.PointAsync();
        Assert.Equal(0, _lab.Service!.Stop());
        var segments = Files(Path.Combine(_lab.ServiceData, "vms"));
        Assert.NotEmpty(segments);
        foreach (var segment in segments)
        {
            FlipHereAndThere(segment);
        }

        await _lab.StartServiceAsync();
        await _lab.AgentConnectedAsync();
        var test = await _lab.RunAsync("failover", "web", "--kind", "test", "--point", point, "--json");
        if (test.Code != 0)
        {
            OneSentence(test);
            return;
        }

        for (var i = 0; i < vm.Disks.Count; i++)
        {
            var uri = LabVm.Uris(System.Text.Json.Nodes.JsonNode.Parse(test.Output)!)[i];
            Assert.NotEqual(0, RightOrRefused(uri, source[i], "segments"));
        }
    }

    [Fact]
    public async Task In_any_file_of_the_replica_no_wrong_byte_is_ever_served()
    {
        var vm = await ProtectedAsync();
        var source = vm.SourceImages();
        var point = await vm.PointAsync();
        Assert.Equal(0, _lab.Service!.Stop());
        _lab.Agent!.Kill();
        var random = new Random(17);
        var replica = Path.Combine(_lab.ServiceData, "vms");
        var before = Directory.GetFiles(_lab.ServiceData, "*", SearchOption.AllDirectories)
            .ToDictionary(f => f, File.ReadAllBytes);
        var files = before.Where(f => f.Key.StartsWith(replica, StringComparison.Ordinal) && f.Value.Length > 0)
            .Select(f => f.Key).Order(StringComparer.Ordinal).ToList();
        Assert.Contains(files, f => Path.GetFileName(f) == "base-0");
        foreach (var file in files)
        {
            var at = random.Next(before[file].Length);
            Flip(file, at);
            var what = $"{Path.GetRelativePath(replica, file)}, byte {at} of {before[file].Length}";
            await JudgeReplicaAsync(what, point, source);
            Directory.Delete(_lab.ServiceData, recursive: true);
            foreach (var (path, content) in before)
            {
                Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                await File.WriteAllBytesAsync(path, content);
            }
        }
    }

    [Fact]
    [Trait("Req", "RES-1")]
    public async Task In_a_base_image_a_resync_mends_it_by_sending_the_block_again()
    {
        var vm = await ProtectedAsync();
        Assert.Equal(0, _lab.Service!.Stop());
        var image = Directory.GetFiles(_lab.ServiceData, "base-0", SearchOption.AllDirectories).Single();
        Flip(image, (5 << 20) + 77);
        await _lab.StartServiceAsync();
        await vm.InSyncAsync();

        // A point that stands on the damage shows it, to the background checks or to a reader. Either command is
        // refused where that has happened and the comparison is under way.
        await _lab.RunAsync("point", "web");
        var test = await _lab.RunAsync("failover", "web", "--kind", "test", "--json");
        if (test.Code == 0)
        {
            var uri = LabVm.Uris(System.Text.Json.Nodes.JsonNode.Parse(test.Output)!)[0];
            Assert.InRange(RightOrRefused(uri, vm.SourceImages()[0], "before the resync"), 0, 1);
            await _lab.AskAsync("cleanup", "web");
        }

        await _lab.UntilAsync("a point is unusable", async () => (await _lab.AskAsync("points", "web")).AsArray()
            .Any(p => !(bool)p!["usable"]!));

        // The service orders the comparison by itself, in the hours that the policy gives it; else a person does.
        await _lab.RunAsync("resync", "web");
        await _lab.UntilAsync("the resync is done", async () => (await ResyncsAsync()).Count > 0);
        var images = await vm.TestImagesAsync(await vm.PointAsync());
        WriteOrderCheck.Equal(vm.SourceImages()[0], images[0], "after the resync");
        Assert.Contains(await ResyncsAsync(), sent => sent is >= 1 << 16 and <= 4 << 16);
        await _lab.JournalIsSoundAsync();
    }

    /// <summary>What each resync that is done has sent.</summary>
    private async Task<List<long>> ResyncsAsync() =>
        [.. (await _lab.RunAsync("log", "web", "--json")).Output
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => System.Text.Json.Nodes.JsonNode.Parse(line)!)
            .Where(line => (string?)line["type"] == "protected-vm.resync-completed.v1")
            .Select(line => (long)line["data"]!["sentBytes"]!)];

    [Fact]
    public async Task In_the_replication_log_it_costs_a_comparison_and_no_write()
    {
        var vm = await ProtectedAsync();
        await _lab.AskAsync("pause", "web");
        await vm.WriteAsync();
        await vm.MoreAsync(300);
        _lab.Agent!.Kill();
        vm.Writer.Stop();
        var logs = Files(Path.Combine(_lab.AgentData, "volumes"));
        Assert.NotEmpty(logs);
        foreach (var log in logs)
        {
            FlipHereAndThere(log);
        }

        await _lab.StartAgentAsync();
        await vm.SourceUrisAsync();
        vm.Writer.Settle(vm.SourceImages());
        vm.SourceIsComplete("the source after a damaged log");
        await _lab.AskAsync("resume", "web");
        await vm.InSyncAsync();
        var images = await vm.TestImagesAsync(await PointAsync());
        for (var i = 0; i < images.Count; i++)
        {
            WriteOrderCheck.Equal(await File.ReadAllBytesAsync(vm.Disks[i]), images[i],
                $"disk {i} after a damaged log");
        }

        await _lab.JournalIsSoundAsync();
    }

    [Fact]
    public async Task In_the_journal_the_service_says_so_or_shows_the_true_history()
    {
        await ProtectedAsync();
        var before = (await _lab.RunAsync("log", "web", "--json")).Output.Split('\n');
        Assert.Equal(0, _lab.Service!.Stop());
        var journal = Path.Combine(_lab.ServiceData, "journal.db");
        var whole = await File.ReadAllBytesAsync(journal);
        var random = new Random(3);
        for (var i = 0; i < 6; i++)
        {
            foreach (var neighbour in Directory.GetFiles(_lab.ServiceData, "journal.db-*"))
            {
                File.Delete(neighbour);
            }

            await File.WriteAllBytesAsync(journal, whole);
            Flip(journal, i == 0 ? 20 : random.NextInt64(100, whole.Length));
            await JudgeAsync(before);
        }
    }

    // The damage may be found, and a comparison begin, while the point is being made: that cancels it.
    private async Task<string> PointAsync()
    {
        string? point = null;
        await _lab.UntilAsync("a point is made", async () =>
        {
            var made = await _lab.RunAsync("point", "web", "--json");
            point = made.Code == 0
                ? (string?)System.Text.Json.Nodes.JsonNode.Parse(made.Output)!["point"]!["id"]
                : null;
            Assert.True(
                made.Code is 0 or 1 && !made.Errors.Contains("   at ", StringComparison.Ordinal), made.Errors);
            return point is not null;
        });
        return point!;
    }

    // The service answers and serves the source's bytes or errors, or ends or refuses with one sentence.
    private async Task JudgeReplicaAsync(string what, string point, IReadOnlyList<byte[]> source)
    {
        using var service = _lab.Start("serve", "--data", _lab.ServiceData, "--listen", _lab.Server);
        await _lab.UntilAsync($"the service answers or ends ({what})", async () =>
            service.HasExited || await _lab.TryGetAsync("/api/v1/vms/web") is not null);
        if (service.HasExited)
        {
            Assert.DoesNotContain("   at ", service.Errors, StringComparison.Ordinal);
            return;
        }

        var test = await _lab.RunAsync("failover", "web", "--kind", "test", "--point", point, "--json");
        if (test.Code != 0)
        {
            Assert.True(test.Code == 1, $"{what}: ended with {test.Code}: {test.Errors}\n{_lab.Logs()}");
            OneSentence(test);
        }
        else
        {
            var served = LabVm.Uris(System.Text.Json.Nodes.JsonNode.Parse(test.Output)!);
            for (var i = 0; i < source.Count; i++)
            {
                RightOrRefused(served[i], source[i], what);
            }

            await _lab.AskAsync("cleanup", "web");
        }

        Assert.Equal(0, service.Stop());
    }

    private async Task JudgeAsync(string[] before)
    {
        using var service = _lab.Start("serve", "--data", _lab.ServiceData, "--listen", _lab.Server);
        await _lab.UntilAsync("the service answers or ends", async () =>
            service.HasExited || await _lab.TryGetAsync("/api/v1/agents") is not null);
        if (service.HasExited)
        {
            Assert.Equal(1, service.WaitForExit());
            Assert.DoesNotContain("   at ", service.Errors, StringComparison.Ordinal);
            Assert.Contains("journal", service.Errors, StringComparison.OrdinalIgnoreCase);
            return;
        }

        var after = await _lab.RunAsync("log", "web", "--json");
        if (after.Code == 0)
        {
            Assert.Equal(before.Where(l => l.Length > 0),
                after.Output.Split('\n').Where(l => l.Length > 0).Take(before.Count(l => l.Length > 0)));
        }
        else
        {
            OneSentence(after);
        }
    }

    private async Task<LabVm> ProtectedAsync()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 16, paceMs: 1);
        await vm.ProtectAsync();
        await vm.WriteAsync();
        await vm.MoreAsync(300);
        vm.Writer.Stop();
        return vm;
    }

    // Answers how many reads were refused.
    private static int RightOrRefused(string uri, byte[] expected, string what)
    {
        using var client = NbdImages.Open(uri);
        var refused = 0;
        for (var at = 0; at < expected.Length; at += 4096)
        {
            var answer = client.Read((ulong)at, 4096);
            refused += answer.Error != 0 ? 1 : 0;
            Assert.True(
                answer.Error != 0 || answer.Data.AsSpan().SequenceEqual(expected.AsSpan(at, 4096)),
                    $"{what}: wrong bytes at {at}");
        }

        return refused;
    }

    private static void OneSentence(CommandResult result)
    {
        Assert.Equal(1, result.Code);
        Assert.DoesNotContain("   at ", result.Errors, StringComparison.Ordinal);
        Assert.NotEqual("", result.Errors.Trim());
    }

    // Segments of the replica and of the replication log alike begin with "log-".
    private static string[] Files(string directory) =>
        [.. Directory.GetFiles(directory, "log-*", SearchOption.AllDirectories).Where(f =>
            new FileInfo(f).Length > 8192)];

    private static void FlipHereAndThere(string path)
    {
        const int apart = 200_000;
        for (long at = 6000; at < Math.Min(new FileInfo(path).Length, 5 * apart); at += apart)
        {
            Flip(path, at);
        }
    }

    private static void Flip(string path, long at)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        file.Position = at;
        var value = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(value ^ 0x10));
    }
}

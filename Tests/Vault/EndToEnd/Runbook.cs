using System.Diagnostics;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>The sections of docs/RUNBOOK.md that are not about the journal alone, step by step.</summary>
public sealed class Runbook : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_services_host_is_lost_and_all_its_data_or_only_the_replicas_are_restored(bool onlyReplicas)
    {
        var vm = await ProtectedAsync();
        var point = await vm.PointAsync();
        var (image, uris) = (vm.SourceImages()[0], await vm.SourceUrisAsync());
        _lab.Service!.Kill();
        var restored = Path.Combine(_lab.Root, "restored");
        _lab.CopyAll(_lab.ServiceData, restored);
        Directory.Delete(_lab.ServiceData, recursive: true);
        if (onlyReplicas)
        {
            foreach (var other in Directory.GetFiles(restored))
            {
                File.Delete(other);
            }

            Directory.Move(restored, _lab.ServiceData);
            await _lab.AskAsync("recover", "--data", _lab.ServiceData);
        }
        else
        {
            Directory.Move(restored, _lab.ServiceData);
        }

        // The guest goes on meanwhile.
        vm.Writer.Start(uris);
        await vm.MoreAsync(50);
        await _lab.StartServiceAsync();
        await vm.MoreAsync(50);
        vm.Writer.Stop();
        Assert.Equal(0u, vm.Writer.LastError);
        await EqualsSourceAsync(vm);
        WriteOrderCheck.Equal(image, (await vm.TestImagesAsync(point))[0], "the point from before");
    }

    [Fact]
    public async Task A_data_directory_whose_journal_is_of_another_moment_is_refused_and_recovered()
    {
        var vm = await ProtectedAsync();
        Assert.Equal(0, _lab.Service!.Stop());
        var journal = Path.Combine(_lab.ServiceData, "journal.db");
        var older = await File.ReadAllBytesAsync(journal);
        await _lab.StartServiceAsync();
        await vm.InSyncAsync();
        var point = await vm.PointAsync();
        Assert.Equal(0, _lab.Service!.Stop());
        await File.WriteAllBytesAsync(journal, older);

        var refused = _lab.Start("serve", "--data", _lab.ServiceData, "--listen", _lab.Server);
        Assert.Equal(1, refused.WaitForExit());
        Assert.Contains("--replace-journal", refused.Errors, StringComparison.Ordinal);
        Assert.Equal(1, (await _lab.RunAsync("recover", "--data", _lab.ServiceData)).Code);
        await _lab.AskAsync("recover", "--data", _lab.ServiceData, "--replace-journal");
        await _lab.StartServiceAsync();
        await vm.InSyncAsync();
        Assert.Contains((await _lab.AskAsync("points", "web")).AsArray(), p => (string?)p!["id"] == point);
        await EqualsSourceAsync(vm);
    }

    [Fact]
    public async Task The_replicas_are_from_before_a_failover_of_which_the_agent_knows()
    {
        var vm = await ProtectedAsync();
        _lab.Service!.Kill();
        var backup = Path.Combine(_lab.Root, "backup");
        _lab.CopyAll(_lab.ServiceData, backup);
        await _lab.StartServiceAsync();
        await vm.InSyncAsync();
        for (var i = 0; i < 2; i++)
        {
            await _lab.AskAsync("failover", "web", "--kind", "unplanned");
            await _lab.AskAsync("cancel", "web");
            await vm.InSyncAsync();
        }

        var term = (long)(await _lab.ViewAsync("web"))["settings"]!["term"]!;
        _lab.Service!.Kill();
        Directory.Delete(_lab.ServiceData, recursive: true);
        Directory.Move(backup, _lab.ServiceData);

        await _lab.AskAsync("recover", "--data", _lab.ServiceData, "--replace-journal", "--term", $"{term}");
        await _lab.StartServiceAsync();
        await EqualsSourceAsync(vm);
    }

    [Fact]
    public async Task The_agent_was_restored_from_a_backup_older_than_its_disks()
    {
        var vm = await ProtectedAsync();
        Assert.Equal(0, _lab.Agent!.Stop());
        var backup = Path.Combine(_lab.Root, "backup");
        _lab.CopyAll(_lab.AgentData, backup);
        await _lab.StartAgentAsync();
        await vm.WriteAsync();
        await vm.MoreAsync(150);
        vm.Writer.Stop();
        await vm.InSyncAsync();
        Assert.Equal(0, _lab.Agent!.Stop());
        Directory.Delete(_lab.AgentData, recursive: true);
        Directory.Move(backup, _lab.AgentData);

        await _lab.StartAgentAsync();
        await vm.InSyncAsync();
        await _lab.AskAsync("resync", "web");
        await EqualsSourceAsync(vm);
    }

    [Fact]
    public async Task The_sources_host_is_lost_and_another_takes_its_name_by_the_commands_that_are_printed()
    {
        var vm = await ProtectedAsync();
        _lab.Agent!.Kill();
        Directory.Delete(_lab.AgentData, recursive: true);
        File.WriteAllBytes(vm.Disks[0], new byte[vm.Bases[0].Length]);
        byte[]? machine = null;
        foreach (var command in PrintedText.Commands("docs/RUNBOOK.md", "The source's host is lost"))
        {
            Assert.Equal("drctl", command[0]);
            string[] words = [.. command[1..].Select(Meant)];
            switch (words)
            {
                case ["agent", ..]:
                    _lab.StartAgentWith(words);
                    break;
                case ["status", ..]:
                    await _lab.UntilViewAsync(
                        "web", "the source is fenced", v => (string?)v["source"]!["role"] == "fenced");
                    break;
                case ["failover", ..]:
                    machine = NbdImages.Read(LabVm.Uris(await _lab.AskAsync(words))[0]);
                    WriteOrderCheck.Equal(vm.Bases[0], machine, "the recovered machine");
                    break;
                case ["failback", ..]:
                    await vm.IsAsync("protected-reverse");
                    await _lab.AskAsync(words);
                    WriteOrderCheck.Equal(
                        machine!, await File.ReadAllBytesAsync(vm.Disks[0]), "the source after the failback");
                    break;
                default:
                    await _lab.AskAsync(words);
                    break;
            }
        }

        await EqualsSourceAsync(vm);
    }

    [Fact]
    public async Task Empty_disks_that_come_back_are_overwritten_only_when_that_is_agreed_to_and_the_agent_is_named()
    {
        var vm = await ProtectedAsync();
        _lab.Agent!.Kill();

        // A change so soon behind a record of the log passes for the write that follows it (DiskContinuity).
        var killed = Stopwatch.GetTimestamp();
        await _lab.UntilAsync("no write can follow the last record any more", () => Task.FromResult(
            Stopwatch.GetElapsedTime(killed) > TimeSpan.FromMilliseconds(300)));
        File.WriteAllBytes(vm.Disks[0], new byte[vm.Bases[0].Length]);
        await _lab.AskAsync("failover", "web", "--kind", "unplanned", "--point", "latest");
        await _lab.AskAsync("commit", "web");
        await _lab.StartAgentAsync();
        await _lab.UntilViewAsync("web", "the source is fenced", v => (string?)v["source"]!["role"] == "fenced");
        Assert.Equal(1, (await _lab.RunAsync("reprotect", "web")).Code);

        // Another host calls itself site-a while the operator asks for the reprotect: the command says so.
        var identity = Path.Combine(_lab.AgentData, "identity");
        var own = await File.ReadAllBytesAsync(identity);
        Assert.Equal(0, _lab.Agent!.Stop());
        File.Delete(identity);
        _lab.StartAgent();
        await _lab.UntilViewAsync("web", "the other agent is refused", v =>
            v["causes"]!.AsArray().Any(c => (string?)c!["code"] == "agent-conflict"));
        var reprotect = _lab.Start("reprotect", "web", "--discard", "--server", _lab.Server);
        await _lab.UntilAsync(
            "the command says what it waits for",
            () => Task.FromResult(reprotect.Errors.Contains("waiting for agent 'site-a'", StringComparison.Ordinal)
                && reprotect.Errors.Contains("drctl agents forget site-a", StringComparison.Ordinal)),
            detail: () => reprotect.Errors);

        Assert.Equal(0, _lab.Agent!.Stop());
        await File.WriteAllBytesAsync(identity, own);
        _lab.StartAgent();
        Assert.Equal(0, reprotect.WaitForExit());
        await vm.IsAsync("protected-reverse");
    }

    private string Meant(string word) => word switch
    {
        "URL" => _lab.Server,
        "AGENT-DIR" => _lab.AgentData,
        "host-1" => "site-a",
        "/srv" => _lab.SiteA,
        "TOKEN-FILE" => _lab.TokenFile,
        _ => word,
    };

    private async Task<LabVm> ProtectedAsync()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
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
}

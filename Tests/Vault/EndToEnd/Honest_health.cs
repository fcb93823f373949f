using System.Net.Http.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>What is not protected is not told as normal; what was refused or failed leaves nothing behind.</summary>
public sealed class Honest_health : IDisposable
{
    private readonly Lab _lab = new();
    private readonly HttpClient _http = new();
    private bool _mounted;

    public void Dispose()
    {
        _http.Dispose();
        _lab.Agent?.Dispose();
        _lab.Service?.Dispose();
        if (_mounted)
        {
            OutsideTool.Require("umount", "mount").Run(_lab.ServiceData).Succeeded();
        }

        _lab.Dispose();
    }

    [Fact]
    [Trait("Req", "OPS-2")]
    public async Task A_disk_that_is_gone_after_a_restart_is_told_and_health_is_normal_when_it_is_back()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var (lost, other) = (_lab.MakeDisk("lost.img", 4 << 20, 1), _lab.MakeDisk("other.img", 4 << 20, 2));
        await _lab.AskAsync("protect", "lost", "--disk", lost);
        await _lab.AskAsync("protect", "other", "--disk", other);
        _lab.Agent!.Kill();
        File.Move(lost, lost + ".away");
        await _lab.StartAgentAsync();

        var view = await _lab.UntilViewAsync(
            "lost", "the cause source-not-served", v => Codes(v).Contains("source-not-served"));
        Assert.Equal(("protected", "critical"), ((string?)view["phase"], (string?)view["health"]));
        Assert.Contains(lost, (string?)view["causes"]![0]!["message"], StringComparison.Ordinal);
        await _lab.UntilViewAsync("lost", "time without protection", v => (double)v["unprotectedSeconds"]! > 0);
        await _lab.UntilViewAsync("other", "health is normal", v => (string?)v["health"] == "normal");

        File.Move(lost + ".away", lost);
        await _lab.UntilViewAsync("lost", "health is normal", v =>
            (string?)v["health"] == "normal" && (double)v["unprotectedSeconds"]! == 0);
        var log = (await _lab.RunAsync("log", "lost")).Output;
        Assert.Contains("HEALTH_KIND_SOURCE_NOT_SERVED", log, StringComparison.Ordinal);
        await _lab.JournalIsSoundAsync();
    }

    [Fact]
    [Trait("Req", "ENA-2")]
    public async Task A_failed_protect_is_critical_until_it_is_tried_again_or_taken_off_the_list()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var disk = Path.Combine(_lab.SiteA, "late.img");
        Assert.NotEqual(0, (await _lab.RunAsync("protect", "web", "--disk", disk)).Code);
        var failed = await _lab.ViewAsync("web");
        Assert.Equal(("enable-failed", "critical"), ((string?)failed["phase"], (string?)failed["health"]));
        Assert.Contains(disk, (string?)failed["causes"]![0]!["message"], StringComparison.Ordinal);

        await _lab.AskAsync("disable", "web");
        Assert.Empty((await _lab.AskAsync("status", "--json")).AsArray());
        var all = (await _lab.AskAsync("status", "--all", "--json")).AsArray();
        Assert.Equal("none", (string?)Assert.Single(all)!["health"]);

        _lab.MakeDisk("late.img", 4 << 20, 1);
        await _lab.AskAsync("protect", "web", "--disk", disk);
        Assert.Equal("normal", (string?)(await _lab.ViewAsync("web"))["health"]);
    }

    [Fact]
    [Trait("Req", "I19")]
    public async Task A_command_id_belongs_to_one_request_also_after_a_restart()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        await _lab.AskAsync("protect", "web", "--disk", _lab.MakeDisk("a.img", 4 << 20, 1));
        const string id = "4f3c1d2e-0000-4000-8000-00000000a001";
        var (status, first) = await PostAsync("make-point", new JsonObject { ["commandId"] = id });
        Assert.Equal(202, status);
        await _lab.AskAsync("point", "web");
        await SameAndOthersAsync(id, first);

        _lab.Service!.Kill();
        await _lab.StartServiceAsync();
        await _lab.AgentConnectedAsync();
        await SameAndOthersAsync(id, first);
        await _lab.JournalIsSoundAsync();
    }

    [Fact]
    [Trait("Req", "RCP-2")]
    public async Task An_application_point_without_hooks_is_refused_and_leaves_no_warning()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        await _lab.AskAsync("protect", "web", "--disk", _lab.MakeDisk("a.img", 4 << 20, 1));

        var (status, answer) = await PostAsync("make-point", new JsonObject { ["app"] = true });

        Assert.Equal((409, "no-hooks"), (status, (string?)answer["code"]));
        Assert.Equal("normal", (string?)(await _lab.ViewAsync("web"))["health"]);
    }

    [Fact]
    [Trait("Req", "I27")]
    public async Task A_full_target_is_told_and_replication_goes_on_with_room()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root to mount a small file system");
        Directory.CreateDirectory(_lab.ServiceData);
        _mounted = OutsideTool.Require("mount", "mount")
            .Run("-t", "tmpfs", "-o", "size=96m", "tmpfs", _lab.ServiceData).ExitCode == 0;
        Assert.SkipUnless(_mounted, "no file system can be mounted here");
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 16, paceMs: 1);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        var ballast = Path.Combine(_lab.ServiceData, "ballast");
        Fill(ballast);
        await vm.WriteAsync();
        await vm.MoreAsync(300);

        await _lab.UntilViewAsync("web", "the cause target-full", v =>
            Codes(v).Contains("target-full") && (string?)v["health"] == "critical");

        File.Delete(ballast);
        vm.Writer.Stop();
        Assert.Equal(0u, vm.Writer.LastError);
        await _lab.UntilViewAsync("web", "no cause target-full", v => !Codes(v).Contains("target-full"));
        await vm.InSyncAsync();
    }

    private async Task SameAndOthersAsync(string id, JsonNode first)
    {
        var (status, again) = await PostAsync("make-point", new JsonObject { ["commandId"] = id });
        Assert.Equal((202, (string?)first["jobId"]), (status, (string?)again["jobId"]));
        foreach (var (operation, body) in new (string, JsonObject)[]
        {
            ("pause", []), ("resync", []), ("unplanned-failover", []),
            ("make-point", new JsonObject { ["app"] = true }),
        })
        {
            body["commandId"] = id;
            var (refused, why) = await PostAsync(operation, body);
            Assert.Equal((409, "command-id-reused"), (refused, (string?)why["code"]));
        }

        Assert.Equal("protected", (string?)(await _lab.ViewAsync("web"))["phase"]);
    }

    private async Task<(int Status, JsonNode Body)> PostAsync(string operation, JsonObject body)
    {
        var ct = TestContext.Current.CancellationToken;
        using var request = new HttpRequestMessage(
            HttpMethod.Post, $"{_lab.Server}/api/v1/vms/web/operations/{operation}")
        {
            Content = JsonContent.Create(body),
        };
        request.Headers.TryAddWithoutValidation("Authorization", ApiToken.Read(_lab.TokenFile).Authorization);
        using var answer = await _http.SendAsync(request, ct);
        return ((int)answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync(ct))!);
    }

    private static List<string?> Codes(JsonNode view) =>
        [.. view["causes"]!.AsArray().Select(cause => (string?)cause!["code"])];

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

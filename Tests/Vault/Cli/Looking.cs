using ReplicationEngine.Engine.RecoveryPoints;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>The commands that only look: their JSON for scripts and their pages for people.</summary>
public sealed class Looking
{
    [Fact]
    [Trait("Req", "OPS-2")]
    public async Task Status_of_one_vm_as_json_keeps_the_fields_that_scripts_rely_on()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Troubled());
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("status", "vm1", "--json"));
        Assert.Single(drctl.Output.TrimEnd().Split('\n'));
        var json = drctl.Json;
        Assert.Equal(("vm1", "resyncing", "warning"),
            ((string?)json["vm"], (string?)json["phase"], (string?)json["health"]));
        Assert.Equal("cache-full", (string?)json["causes"]![0]!["code"]);
        Assert.Equal((1536, 0.5), ((long)json["lagBytes"]!, (double)json["lagSeconds"]!));
        Assert.Equal(43.7, (double)json["progress"]!["percent"]!);
        Assert.Equal("incremental", (string?)json["next"]!["mode"]);
        Assert.Equal("the log holds every write", (string?)json["next"]!["why"]);
        Assert.Equal((4096, 0.1), ((long)json["next"]!["bytes"]!, (double)json["next"]!["seconds"]!));
    }

    [Fact]
    public async Task Status_of_one_vm_as_a_page_shows_causes_progress_disks_and_jobs()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Troubled() with { Recovered = Samples.Recovered, UnprotectedSeconds = 180,
            Source = Samples.Vm().Source with { ClockOffsetSeconds = -2.5 } });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("status", "vm1"));
        foreach (var expected in new[]
        {
            "vm1: resyncing, health warning",
                "The cache is full. (cache-full, since 2026-01-31 12:00:00Z) → Give it more room.",
            "████████░", "43 %, 112 MiB of 256 MiB", "1.5 KiB, 500 ms", "unprotected for 3 min",
                "incremental, 4.0 KiB, about 100 ms: the log holds every write",
            "primary on agent1, connected", "1.0 MiB on the wire for 2.0 MiB changed, since 2026-01-31 12:00:00Z",
                "clock 2.5 s behind",
                Samples.Disk.Uri!, "nbd://127.0.0.1:10809/r1", "RPO 1.5 s, RTO 250 ms",
                "✓ succeeded", "━━━",
            "make-point, test-failover",
        })
        {
            Assert.Contains(
                expected, string.Join(' ', drctl.Output.Split((char[])[' ', '\n'],
                    StringSplitOptions.RemoveEmptyEntries)),
                StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData(80)]
    [InlineData(60)]
    public async Task Status_of_one_vm_fits_the_width_and_leaves_addresses_whole(int? width)
    {
        var uri = "nbd+unix:///vm1-0?socket=/var/lib/drctl/" + new string('s', 60) + "/nbd.sock";
        await using var service = await FakeService.StartAsync();
        var causes = Enumerable.Range(1, 3).Select(i => new CauseView(
            "source-not-served", "critical", string.Join(' ', Enumerable.Repeat($"word{i}", 40)),
            string.Join(' ', Enumerable.Repeat("repair", 40)), Samples.Start)).ToList();
        service.Vms["vm1"] = new(Troubled() with
        {
            Causes = causes, Recovered = Samples.Recovered, UnprotectedSeconds = 98765,
            Source = Samples.Vm().Source with { Disks = [new DiskView("/disks/a.img", uri, 1 << 30)] },
        });
        var drctl = new Drctl(service.Url) { OutWidth = width };

        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("status", "vm1"));

        var lines = Regex.Replace(drctl.Output, "\u001b\\[[0-9;]*m", "").TrimEnd().Split('\n');
        Assert.Contains(lines, line => line.TrimStart() == uri);
        Assert.All(lines, line => Assert.True(
            line.TrimEnd().Length <= (width ?? 80) || line.TrimStart() == uri, $"{line.Length}: {line}"));
    }

    [Fact]
    public async Task A_vm_whose_protection_was_ended_is_shown_only_when_all_are_asked_for()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm());
        service.Vms["vm2"] = new(Samples.Vm("vm2", phase: "disabled") with { Health = "none" });
        var some = new Drctl(service.Url);
        await some.RunAsync("status");
        Assert.DoesNotContain("vm2", some.Output, StringComparison.Ordinal);
        Assert.Contains("1 VM with protection ended: see --all.", some.Output, StringComparison.Ordinal);
        var all = new Drctl(service.Url);
        await all.RunAsync("status", "--all", "--json");
        Assert.Equal(2, all.Json.AsArray().Count);
    }

    [Fact]
    public async Task Status_of_all_is_an_array_and_a_table()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm());
        service.Vms["vm2"] = new(Samples.Vm("vm2"));
        var json = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await json.RunAsync("status", "--json"));
        Assert.Equal(["vm1", "vm2"], json.Json.AsArray().Select(v => (string)v!["vm"]!).Order());
        var table = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await table.RunAsync("status"));
        Assert.Equal(4, table.Output.TrimEnd().Split('\n').Length);
        Assert.Contains("2 VMs: 2 normal; all are protected now.", table.Output, StringComparison.Ordinal);
        Assert.Contains("VM   PHASE", table.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("status", "drctl protect")]
    [InlineData("jobs", "No job has run yet")]
    [InlineData("agents", "drctl agent")]
    public async Task Nothing_there_yet_says_how_to_begin(string command, string expected)
    {
        await using var service = await FakeService.StartAsync();
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync(command));
        Assert.Contains(expected, drctl.Output, StringComparison.Ordinal);
        Assert.EndsWith("\n", drctl.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Points_are_newest_first_with_a_strip_over_time()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm());
        service.Points.AddRange(
        [
            Samples.Point with { Id = "p3", Time = Samples.Start.AddMinutes(10), Usable = false,
                Reason = "a segment is damaged" },
            Samples.Point with { Id = "p2", Time = Samples.Start.AddMinutes(5), Kind = PointKind.App,
                Grade = PointGrade.DigestMatched, Held = new HoldView("alice", Samples.Start.AddDays(1)) },
            Samples.Point with { Id = "p1" },
        ]);
        var json = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await json.RunAsync("points", "vm1", "--json"));
        Assert.Equal(["p3", "p2", "p1"], json.Json.AsArray().Select(p => (string)p!["id"]!));
        var second = json.Json[1]!;
        Assert.Equal(("app", 1L, "digest-matched", true),
            ((string?)second["kind"], (long)second["generation"]!, (string?)second["grade"], (bool)second["usable"]!));
        Assert.Equal(Samples.Start.AddMinutes(5), (DateTimeOffset)second["time"]!);
        Assert.Equal(("alice", Samples.Start.AddDays(1)),
            ((string?)second["held"]!["by"], (DateTimeOffset)second["held"]!["since"]!));
        Assert.Null(json.Json[2]!["held"]);
        var page = new Drctl(service.Url);
        await page.RunAsync("points", "vm1");
        Assert.Contains($"│{new string('─', 34)}A{new string('─', 35)}x", page.Output, StringComparison.Ordinal);
        Assert.Contains("no: a segment is damaged", page.Output, StringComparison.Ordinal);
        Assert.Matches("p2 .* yes +by alice since 2026-02-01 12:00:00Z", page.Output);
        Assert.Matches("p1 .* yes +– *\n", page.Output);
    }

    [Fact]
    [Trait("Req", "OPS-5")]
    public async Task The_log_as_json_is_one_object_per_line()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm());
        service.Log.Add(new LogLineView(1, Samples.Start, "vm.e.v1", "root",
            new JsonObject { ["disk"] = "/a" }));
        service.Log.Add(new LogLineView(2, Samples.Start, "protected-vm.paused.v1", "root", new JsonObject()));
        var json = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await json.RunAsync("log", "vm1", "--json"));
        Assert.Equal(
            """{"seq":1,"time":"2026-01-31T12:00:00+00:00","type":"vm.e.v1","actor":"root","data":{"disk":"/a"}}""",
            json.Output.Split('\n')[0]);
        Assert.Equal(2, json.Output.TrimEnd().Split('\n').Length);
        var table = new Drctl(service.Url);
        await table.RunAsync("log", "vm1");
        Assert.Contains("""{"disk":"/a"}""", table.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_at_an_instant_is_the_state_then()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new(Samples.Vm());
        service.StateAt = new StateAtView(2, Samples.Start, "paused", "normal", new JsonObject { ["term"] = 1 });
        var json = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await json.RunAsync("log", "vm1", "--at", "2026-01-31T12:00:00+00:00", "--json"));
        Assert.Equal(("paused", 1), ((string?)json.Json["phase"], (int)json.Json["state"]!["term"]!));
        Assert.Contains("/api/v1/vms/vm1/log?at=2026-01-31T12%3A00%3A00%2B00%3A00", service.Asked);
        var page = new Drctl(service.Url);
        await page.RunAsync("log", "vm1", "--at", "2");
        Assert.StartsWith("after event 2, 2026-01-31 12:00:00Z: paused, health normal\n{\n", page.Output,
            StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "OPS-1")]
    public async Task Jobs_show_their_steps_and_how_long_they_took()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("protect"));
        service.Jobs["j2"] =
            new(Samples.Job("resync", "failed", new JobErrorView("x", "It broke.", "Repair it.")) with { Id = "j2",
                Vm = "vm2" });
        var all = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await all.RunAsync("jobs"));
        Assert.Matches(@"transfer +✓ succeeded +2\.0 s +64 KiB blocks", all.Output);
        Assert.Contains("Repair it.", all.Output, StringComparison.Ordinal);
        var one = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await one.RunAsync("jobs", "vm2", "--json"));
        Assert.Equal("j2", (string?)Assert.Single(one.Json.AsArray())!["id"]);
    }

    [Fact]
    public async Task Agents_are_listed_with_their_vms()
    {
        await using var service = await FakeService.StartAsync();
        service.Agents.Add(new AgentView("a1", Connected: false, Samples.Start.AddMinutes(-3), ["vm1", "vm2"]));
        service.Agents.Add(new AgentView("a2", Connected: false, LastSeen: null, [])
        {
            Conflict = "It is refused; run `drctl agents forget a2`.",
        });
        var json = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await json.RunAsync("agents", "--json"));
        Assert.Equal("a1", (string?)json.Json[0]!["name"]);
        var table = new Drctl(service.Url);
        await table.RunAsync("agents");
        Assert.Matches("a1 +no +3 min ago +vm1, vm2 +not measured", table.Output);
        Assert.Matches("a2 +no +not since the service started", table.Output);
        Assert.Contains(
            "warning: It is refused; run `drctl agents forget a2`.", table.Output, StringComparison.Ordinal);
    }

    private static VmView Troubled() => Samples.Vm(phase: "resyncing") with
    {
        Health = "warning",
        Causes = [new CauseView("cache-full", "warning", "The cache is full.", "Give it more room.", Samples.Start)],
        Progress = new ProgressView("resync", 43.7, 256 << 20, 112 << 20, 144 << 20, 85 << 20, 1.7, 30 << 20),
    };
}

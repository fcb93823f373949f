using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>The two commands whose answer is a set of NBD URIs.</summary>
public sealed class Protecting_and_failing_over
{
    private static readonly VmView Unserved = Samples.Vm(phase: "initial-replication") with
    {
        Source = Samples.Vm().Source with { Disks = [Samples.Disk with { Uri = null }] },
    };

    private static readonly VmView Replicating = Samples.Vm(phase: "initial-replication") with
    {
        Progress = new ProgressView("initial-replication", 43.7, 256 << 20, 112 << 20, 144 << 20, 85 << 20, 1.7,
            30 << 20),
    };

    [Fact]
    [Trait("Req", "ENA-1")]
    public async Task Without_waiting_protect_returns_as_soon_as_the_disks_are_served()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("protect", "running"));
        service.Vms["vm1"] = new(Unserved, Unserved, Replicating);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done,
            await drctl.RunAsync("protect", "vm1", "--disk", "/disks/a.img", "b.img", "--no-wait", "--json"));
        Assert.Equal("vm1", (string?)drctl.Json["vm"]);
        Assert.Equal("running", (string?)drctl.Json["state"]);
        var disk = Assert.Single(drctl.Json["disks"]!.AsArray())!;
        Assert.Equal(Samples.Disk.Path, (string?)disk["path"]);
        Assert.Equal(Samples.Disk.Uri, (string?)disk["uri"]);
        Assert.Equal(Samples.Disk.SizeBytes, (long?)disk["sizeBytes"]);
        Assert.Equal(
            ["/disks/a.img", "/here/b.img"],
            Assert.IsType<ProtectArguments>(service.Received.Single().Request).Disks);
    }

    [Fact]
    public async Task Protect_sends_what_was_chosen()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("protect"));
        service.Vms["vm1"] = new(Samples.Vm());
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync(
            "protect", "vm1", "--disk", "/a", "--disk", "/b", "--agent", "a1", "--scenario", "SCN-3", "--policy",
                "gold"));
        var request = Assert.IsType<ProtectArguments>(service.Received.Single().Request);
        Assert.Equal(["/a", "/b"], request.Disks);
        Assert.Equal(("a1", "SCN-3", "gold"), (request.Agent, request.Scenario, request.Policy));
        Assert.Equal($"vm1: protected; attach the machine to\n  /disks/a.img  256 MiB  {Samples.Disk.Uri}\n",
            drctl.Output);
    }

    [Fact]
    [Trait("Req", "OPS-3")]
    public async Task Waiting_protect_says_where_to_attach_at_once_and_then_how_far_it_is()
    {
        await using var service = await FakeService.StartAsync();
        var running = Enumerable.Repeat(Samples.Job("protect", "running"), 30);
        service.Jobs["j1"] = new([.. running, Samples.Job("protect")]);
        service.Vms["vm1"] = new([.. Enumerable.Repeat(Replicating, 30), Samples.Vm()]);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("protect", "vm1", "--disk", "/disks/a.img", "--json"));
        var lines = drctl.Errors.TrimEnd().Split('\n');
        Assert.Equal($"vm1: /disks/a.img is served at {Samples.Disk.Uri}", lines[0]);
        // Thirty questions take under twelve seconds, and nothing changes meanwhile: it is said once.
        Assert.Equal("vm1: protect: step 2 of 2, transfer: 43 %, 112 MiB of 256 MiB, 85.0 MiB/s, 1.7 s left",
            Assert.Single(lines.Skip(1)));
        Assert.Equal("protected", (string?)drctl.Json["phase"]);
    }

    [Fact]
    public async Task Disks_that_never_get_served_are_a_failure_with_a_remedy()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("protect"));
        service.Vms["vm1"] = new(Unserved);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("protect", "vm1", "--disk", "/disks/a.img"));
        Assert.Contains("drctl agents", drctl.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("test", "test-failover", null)]
    [InlineData("planned", "planned-failover", "latest-processed")]
    [InlineData("unplanned", "unplanned-failover", "00000000000000000000000000000001")]
    [Trait("Req", "RCP-5")]
    public async Task A_failover_returns_when_its_disks_are_served(string kind, string operation, string? point)
    {
        await using var service = await FakeService.StartAsync();
        var unserved = Samples.Recovered with { Disks = [Samples.Recovered.Disks[0] with { Uri = null }] };
        service.Jobs["j1"] = new(Samples.Job(operation, "running"), Samples.Job(operation));
        service.Vms["vm1"] = new(Samples.Vm(), Of(kind, unserved), Of(kind, Samples.Recovered));
        var drctl = new Drctl(service.Url);
        string[] arguments = ["failover", "vm1", "--kind", kind, "--json", .. point is null ? []
            : new[] { "--point", point }];
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync(arguments));
        var json = drctl.Json;
        Assert.Equal("nbd://127.0.0.1:10809/r1", (string?)json["disks"]![0]!["uri"]);
        Assert.Equal("/disks/a.img", (string?)json["disks"]![0]!["path"]);
        Assert.Equal(268435456, (long?)json["disks"]![0]!["sizeBytes"]);
        Assert.Equal(Samples.Point.Id, (string?)json["point"]!["id"]);
        Assert.Equal("crash", (string?)json["point"]!["kind"]);
        Assert.Equal(Samples.Start, (DateTimeOffset?)json["point"]!["time"]);
        Assert.Equal((1.5, 0.25), ((double)json["rpoSeconds"]!, (double)json["rtoSeconds"]!));
        var (_, asked, request) = service.Received.Single();
        Assert.Equal(
            (operation, point ?? "latest"),
            (asked, request is PlannedFailoverArguments planned ? planned.Point : ((FailoverArguments)request).Point));
    }

    [Fact]
    public async Task Changing_the_point_answers_the_new_disks()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("change-point"));
        service.Vms["vm1"] = new(Of("unplanned", Samples.Recovered));
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("change-point", "vm1", "p7"));
        Assert.Equal("p7", Assert.IsType<ChangePointArguments>(service.Received.Single().Request).Point);
        Assert.Equal(
            $"vm1: commit-pending; crash point {Samples.Point.Id} of 2026-01-31 12:00:00Z, RPO 1.5 s, RTO 250 ms\n"
            + "  /disks/a.img  256 MiB  nbd://127.0.0.1:10809/r1\n", drctl.Output);
    }

    private static VmView Of(string kind, RecoveredView recovered) => kind == "test"
        ? Samples.Vm() with { Test = recovered }
        : Samples.Vm(phase: "commit-pending") with { Recovered = recovered };
}

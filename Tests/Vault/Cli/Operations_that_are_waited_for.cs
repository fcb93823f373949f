using System.Text.Json.Nodes;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>Every operation: what it sends, when it returns, its JSON, its exit code.</summary>
public sealed class Operations_that_are_waited_for
{
    [Theory]
    [InlineData("cleanup vm1 --notes fine", "clean-up")]
    [InlineData("commit vm1", "commit")]
    [InlineData("cancel vm1 --discard", "cancel")]
    [InlineData("reprotect vm1", "reprotect")]
    [InlineData("failback vm1", "failback")]
    [InlineData("resync vm1", "resync")]
    [InlineData("pause vm1", "pause")]
    [InlineData("resume vm1", "resume")]
    [InlineData("disable vm1 --keep-replica", "disable")]
    [InlineData("hold-point vm1 p1", "hold-point")]
    [InlineData("release-point vm1 p1", "release-point")]
    [Trait("Req", "OPS-1")]
    public async Task A_simple_operation_waits_for_its_job_and_answers_the_phase(string line, string operation)
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job(operation, "running"), Samples.Job(operation, "running"),
            Samples.Job(operation));
        service.Vms["vm1"] = new(Samples.Vm(phase: "busy"), Samples.Vm(phase: "busy"), Samples.Vm(phase: "settled"));
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync([.. line.Split(' '), "--json"]));
        var json = drctl.Json;
        Assert.Equal("vm1", (string?)json["vm"]);
        Assert.Equal(operation, (string?)json["operation"]);
        Assert.Equal("j1", (string?)json["jobId"]);
        Assert.Equal("succeeded", (string?)json["state"]);
        Assert.Equal("settled", (string?)json["phase"]);
        Assert.Equal(3, (double?)json["seconds"]);
        var request = Assert.Single(service.Received);
        Assert.Equal(("vm1", operation), (request.Vm, request.Operation));
        Assert.Equal(operation == "clean-up" ? "fine" : null, (request.Request as CleanUpArguments)?.Notes);
        Assert.Equal(operation == "cancel", request.Request is DiscardArguments { Discard: true });
        Assert.Equal(operation == "disable", request.Request is DisableArguments { KeepReplica: true });
        Assert.Equal(operation.EndsWith("-point", StringComparison.Ordinal),
            request.Request is PointArguments { Point: "p1" });
    }

    [Fact]
    public async Task An_operation_in_words_says_what_is_now()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("failback"));
        service.Vms["vm1"] = new(Samples.Vm());
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("failback", "vm1"));
        Assert.Equal(
            $"vm1: failback done in 3.0 s; now protected, health normal\n  /disks/a.img  256 MiB  {Samples.Disk.Uri}\n",
                drctl.Output);
    }

    [Fact]
    [Trait("Req", "ENA-15")]
    public async Task A_vm_that_disable_has_removed_is_disabled()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("disable"));
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("disable", "vm1", "--json"));
        Assert.Equal("disabled", (string?)drctl.Json["phase"]);
    }

    [Theory]
    [InlineData("commit vm1", "commit")]
    [InlineData("failover vm1 --kind unplanned", "unplanned-failover")]
    [InlineData("change-point vm1 p1", "change-point")]
    [InlineData("point vm1", "make-point")]
    public async Task Without_waiting_the_job_is_the_answer(string line, string operation)
    {
        await using var service = await FakeService.StartAsync();
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync([.. line.Split(' '), "--no-wait", "--json"]));
        Assert.True(JsonNode.DeepEquals(
            new JsonObject { ["vm"] = "vm1", ["operation"] = operation, ["jobId"] = "j1", ["state"] = "running" },
                drctl.Json));
        Assert.DoesNotContain(service.Asked, path => path.Contains("/jobs", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, "`drctl disable vm1`.")]
    [InlineData(2, "`drctl disable vm1 --keep-replica`, which keeps the replica and its recovery points.")]
    public async Task A_protect_that_failed_says_what_stays_and_how_it_goes(int points, string how)
    {
        await using var service = await FakeService.StartAsync();
        var error = new JobErrorView("protect-error", "There is no disk /a.img.", "Name another.");
        service.Jobs["j1"] = new(Samples.Job("protect", "failed", error));
        service.Vms["vm1"] = new(Samples.Vm(phase: "enable-failed") with { Points = new(points, null) });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("protect", "vm1", "--disk", "/a.img"));
        Assert.EndsWith(
            "There is no disk /a.img. Name another. 'vm1' stays listed as enable-failed; protect it again, or "
                + $"remove it with {how}",
            drctl.Errors.TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_failed_job_is_exit_code_1_with_its_step_reason_and_remedy()
    {
        await using var service = await FakeService.StartAsync();
        var error = new JobErrorView("replica-full", "The replica's disk is full.", "Free space at the target.");
        service.Jobs["j1"] = new(Samples.Job("resync", "running"), Samples.Job("resync", "failed", error));
        service.Vms["vm1"] = new(Samples.Vm());
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("resync", "vm1", "--json"));
        Assert.Equal(
            "vm1: resync failed at transfer: The replica's disk is full. Free space at the target.",
                drctl.Errors.TrimEnd());
        Assert.Empty(drctl.Output);
    }

    [Fact]
    public async Task A_cancelled_job_is_exit_code_1()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("resync", "cancelled"));
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("resync", "vm1"));
        Assert.Contains("vm1: resync was cancelled", drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_point_is_answered_when_the_service_lists_it()
    {
        await using var service = await FakeService.StartAsync();
        var old = Samples.Point with { Id = "old", Time = Samples.Start.AddMinutes(-5) };
        service.Jobs["j1"] = new(Samples.Job("make-point"));
        service.Vms["vm1"] = new(
            Samples.Vm() with { Points = new PointsView(1, old) },
                Samples.Vm() with { Points = new PointsView(2, Samples.Point) });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("point", "vm1", "--json"));
        Assert.Equal(Samples.Point.Id, (string?)drctl.Json["point"]!["id"]);
        Assert.Equal(new MakePointArguments(), service.Received.Single().Request with { CommandId = null });
    }

    [Fact]
    [Trait("Req", "RCP-3")]
    public async Task A_point_that_could_not_be_frozen_is_a_point_with_a_warning()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("make-point"));
        service.Vms["vm1"] = new(Samples.Vm() with { Points = new PointsView(0, null) }, Samples.Vm());
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("point", "vm1", "--app"));
        Assert.True(Assert.IsType<MakePointArguments>(service.Received.Single().Request).App);
        Assert.Contains("only crash-consistent", drctl.Errors, StringComparison.Ordinal);
        Assert.StartsWith($"vm1: crash point {Samples.Point.Id}", drctl.Output, StringComparison.Ordinal);
    }
}

using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>Exit code 3 when nothing useful answers; 1 when the server refuses.</summary>
public sealed class A_server_that_cannot_answer
{
    [Theory]
    [InlineData("status")]
    [InlineData("status vm1")]
    [InlineData("points vm1")]
    [InlineData("log vm1")]
    [InlineData("jobs")]
    [InlineData("agents")]
    [InlineData("commit vm1")]
    [InlineData("protect vm1 --disk /a")]
    public async Task Nobody_listens_exit_code_3_names_the_address_and_the_remedy(string line)
    {
        var url = $"http://127.0.0.1:{FreePort()}";
        var drctl = new Drctl("http://127.0.0.1:1");
        Assert.Equal(ExitCodes.Unreachable, await drctl.RunAsync([.. line.Split(' '), "--server", url]));
        Assert.Contains($"No server responds at {url}", drctl.Errors, StringComparison.Ordinal);
        Assert.Contains("drctl serve", drctl.Errors, StringComparison.Ordinal);
        Assert.Single(drctl.Errors.TrimEnd().Split('\n'));
        Assert.Empty(drctl.Output);
    }

    [Fact]
    public async Task An_answer_that_is_not_of_this_service_is_exit_code_3()
    {
        await using var service = await FakeService.StartAsync();
        service.Vms["vm1"] = new([null!]);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Unreachable, await drctl.RunAsync("status", "vm1"));
        Assert.Contains("its response is not one of this service", drctl.Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, "The field disks holds '/nowhere', which is no disk.")]
    [InlineData(404, "No agent named x has registered.")]
    [InlineData(409, "vm1 is in initial replication; wait for it, or cancel it.")]
    [InlineData(503, "The journal cannot be written now.")]
    public async Task A_refusal_prints_its_detail_and_nothing_else(int status, string detail)
    {
        await using var service = await FakeService.StartAsync();
        service.OnOperation = () => FakeService.Problem(status, detail);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("commit", "vm1"));
        Assert.Equal(detail, drctl.Errors.TrimEnd());
        Assert.Empty(drctl.Output);
    }

    [Theory]
    [InlineData("status nobody")]
    [InlineData("points nobody")]
    [InlineData("log nobody")]
    [InlineData("log nobody --at 3")]
    [InlineData("jobs nobody")]
    public async Task An_unknown_vm_is_refused_by_name(string line)
    {
        await using var service = await FakeService.StartAsync();
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync(line.Split(' ')));
        Assert.Contains("knows no VM nobody", drctl.Errors, StringComparison.Ordinal);
        Assert.Empty(drctl.Output);
    }

    [Fact]
    public async Task An_error_without_a_reason_names_status_and_path()
    {
        await using var service = await FakeService.StartAsync();
        service.OnOperation = () => Results.StatusCode(500);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("commit", "vm1"));
        Assert.Contains("HTTP 500 for /api/v1/vms/vm1/operations/commit", drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "I19")]
    public async Task A_lost_answer_is_asked_for_again_with_the_same_command_id()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("commit"));
        service.Vms["vm1"] = new(Samples.Vm());
        var broken = 0;
        service.OnOperation = () => Interlocked.Increment(ref broken) == 1 ? new Break()
            : Results.Accepted(null, new { jobId = "j1" });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("commit", "vm1"));
        Assert.Equal(2, service.Received.Count);
        Assert.Single(service.Received.Select(r => r.Request.CommandId).Distinct());
        Assert.True(Guid.TryParse(service.Received.First().Request.CommandId, out _));
    }

    [Theory]
    [Trait("Req", "I19")]
    [InlineData("journal-unavailable")]
    [InlineData("unavailable")]
    [InlineData("projection-behind")]
    public async Task An_outcome_that_the_service_does_not_know_yet_is_asked_for_again(string code)
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("commit"));
        service.Vms["vm1"] = new(Samples.Vm());
        var asked = 0;
        service.OnOperation = () => Interlocked.Increment(ref asked) == 1
            ? FakeService.Problem(503, "vm1 cannot answer.", code) : Results.Accepted(null, new { jobId = "j1" });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("commit", "vm1"));
        Assert.Contains("vm1: vm1 cannot answer. Asking again.", drctl.Errors, StringComparison.Ordinal);
        Assert.Equal(2, service.Received.Count);
        Assert.Single(service.Received.Select(r => r.Request.CommandId).Distinct());
    }

    [Fact]
    [Trait("Req", "S21")]
    public async Task A_servers_escape_sequences_do_not_reach_the_terminal()
    {
        await using var service = await FakeService.StartAsync();
        service.OnOperation = () => FakeService.Problem(409, "no\u001b[2J\nforged line");
        var drctl = new Drctl(service.Url);
        await drctl.RunAsync("commit", "vm1");
        Assert.Equal("no·[2J·forged line", drctl.Errors.TrimEnd());
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private sealed class Break : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            httpContext.Abort();
            return Task.CompletedTask;
        }
    }
}

using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Witness.Writes;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>The service with its journal in PostgreSQL.</summary>
public sealed class On_postgresql : IAsyncLifetime
{
    private readonly Lab _lab = new();
    private readonly PostgresServer _database = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        _lab.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    [Trait("Req", "I17")]
    [Trait("Req", "I28")]
    public async Task A_vm_is_protected_through_crashes_of_the_database_and_of_the_service()
    {
        var connection = await _database.NewDatabaseAsync();
        await _lab.StartServiceAsync("--postgres", connection);
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 4);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        await vm.PointAsync();

        await ProbesAnswerAsync(ready: true);
        await _database.StopAsync("immediate");
        await _lab.UntilAsync("it is not ready", async () => (await ProbeAsync("ready")).Status == 503);
        await ProbesAnswerAsync(ready: false);
        Assert.NotEqual(0, (await _lab.RunAsync("point", "web", "--no-wait")).Code);
        await _database.StartAsync();
        await _lab.UntilAsync("it is ready again", async () => (await ProbeAsync("ready")).Status == 200);
        await _lab.UntilAsync("a point is made again", async () => (await _lab.RunAsync("point", "web")).Code == 0);
        _lab.Service!.Kill();
        await _lab.StartServiceAsync("--postgres", connection);
        await vm.InSyncAsync();

        var newest = await vm.PointAsync();
        WriteOrderCheck.Equal(
            await File.ReadAllBytesAsync(vm.Disks[0]), (await vm.TestImagesAsync(newest))[0], "the point");
        Assert.Empty(Directory.GetFiles(_lab.ServiceData, "journal.db*"));
        await ItsLogIsReadAsync(connection);
    }

    // No token is sent, and a service without its database is alive: a restart would not help.
    private async Task ProbesAnswerAsync(bool ready)
    {
        Assert.Equal((200, """{"ok":true,"reasons":[]}"""), await ProbeAsync("live"));
        var (status, body) = await ProbeAsync("ready");
        var answer = JsonNode.Parse(body)!;
        Assert.Equal((ready ? 200 : 503, ready), (status, (bool)answer["ok"]!));
        Assert.Equal(
            ready ? [] : ["journal-trouble"], answer["reasons"]!.AsArray().Select(reason => (string)reason!["code"]!));
        Assert.DoesNotContain("dr-pg", body, StringComparison.Ordinal);
    }

    private async Task<(int Status, string Body)> ProbeAsync(string what)
    {
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri($"{_lab.Server}/health/{what}"));
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }

    // While the service goes on writing it.
    private async Task ItsLogIsReadAsync(string connection)
    {
        var file = Path.Combine(_lab.Root, "export");
        foreach (string[] command in (string[][])
        [
            ["verify", "--postgres", connection], ["show", "web", "--at", "2", "--postgres", connection],
            ["export", "--postgres", connection, "--out", file], ["verify", "--file", file],
        ])
        {
            var run = await _lab.RunAsync(["journal", .. command]);
            Assert.True(run.Code == 0, $"{command[0]}: {run.Output}\n{run.Errors}");
        }

        Assert.Equal("normal", (string?)(await _lab.AskAsync("health"))["health"]);
        await _lab.ReadModelsAreTrueAsync();
    }

    [Fact]
    public async Task A_database_that_does_not_belong_to_the_replicas_is_refused()
    {
        await _lab.StartServiceAsync("--postgres", await _database.NewDatabaseAsync());
        await _lab.StartAgentAsync();
        await LabVm.Make(_lab, "web", disks: 1, mebibytes: 1).ProtectAsync();
        Assert.Equal(0, _lab.Service!.Stop());

        using var other = _lab.Start(
            "serve", "--data", _lab.ServiceData, "--listen", _lab.Server, "--postgres",
            await _database.NewDatabaseAsync());
        Assert.Equal(1, other.WaitForExit());
        Assert.Contains("has no events of 'web'", other.Errors, StringComparison.Ordinal);
        Assert.Contains("--postgres", other.Errors, StringComparison.Ordinal);
    }
}

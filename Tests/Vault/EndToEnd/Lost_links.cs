using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Witness.Processes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>
/// Connections that are open and dead, links on which nothing moves, and agents that are halted: the guest keeps its
/// disks, the agent comes back, and nothing at the target waits for the source. The bounds are generous, because tests
/// share the machine; what they exclude are the waits of a minute and more for a source that says nothing.
/// </summary>
public sealed class Lost_links : IAsyncLifetime
{
    private const int Soon = 30;

    private readonly Lab _lab = new();
    private SilentLink _link = null!;

    public async ValueTask InitializeAsync()
    {
        await _lab.StartServiceAsync();
        _link = new SilentLink(new Uri(_lab.Server).Port);
    }

    public async ValueTask DisposeAsync()
    {
        _lab.Dispose();
        await _link.DisposeAsync();
    }

    [Fact]
    public async Task After_a_power_cut_the_agent_that_comes_back_is_let_in_and_serves_the_disks()
    {
        var vm = await ProtectAsync();
        _link.Cut();
        _lab.Agent!.Kill();
        _link.Open();
        StartAgent();

        await _lab.UntilAsync("the disks are served again", async () =>
            await _lab.TryGetAsync($"/api/v1/vms/{vm.Name}") is { } view && (bool)view["source"]!["connected"]!
                && view["source"]!["disks"]!.AsArray().All(d => d!["uri"] is not null)
                && (string?)view["source"]!["role"] == "primary", Soon);

        Assert.False(_lab.Agent!.HasExited);
        await vm.InSyncAsync();
    }

    [Fact]
    public async Task A_running_agent_serves_on_over_a_connection_that_died_and_makes_another()
    {
        var vm = await ProtectAsync();
        await vm.WriteAsync();
        await vm.MoreAsync(50);
        _link.Cut();
        await _lab.UntilViewAsync(vm.Name, "the agent is away", v => !(bool)v["source"]!["connected"]!, Soon);
        await vm.MoreAsync(50);
        _link.Open();

        await _lab.UntilViewAsync(vm.Name, "the agent is back", v => (bool)v["source"]!["connected"]!, Soon);
        await vm.InSyncAsync();
        Assert.False(_lab.Agent!.HasExited);
        vm.Writer.Stop();
        Assert.NotEqual(0, await vm.PointsArePrefixesAsync(newest: 1));
    }

    [Theory]
    [InlineData("halted")]
    [InlineData("stalled")]
    [InlineData("cut")]
    [InlineData("gone")]
    public async Task Whatever_the_source_does_failover_commit_and_disable_end_soon(string trouble)
    {
        var vm = await ProtectAsync();
        await vm.PointAsync();
        Trouble(trouble);

        await WithinAsync(15, "failover", () => _lab.AskAsync("failover", vm.Name, "--kind", "unplanned"));
        await WithinAsync(10, "commit", () => _lab.AskAsync("commit", vm.Name));
        await WithinAsync(15, "disable", () => _lab.AskAsync("disable", vm.Name, "--keep-replica"));
    }

    [Theory]
    [InlineData("halted")]
    [InlineData("stalled")]
    public async Task Whatever_the_source_does_a_failover_is_cancelled_soon(string trouble)
    {
        var vm = await ProtectAsync();
        await vm.PointAsync();
        Trouble(trouble);

        await _lab.AskAsync("failover", vm.Name, "--kind", "unplanned");
        await WithinAsync(10, "cancel", () => _lab.AskAsync("cancel", vm.Name));
        Repair(trouble);
        await vm.InSyncAsync();
        await vm.SourceUrisAsync();
    }

    [Fact]
    public async Task A_planned_failover_that_waits_for_a_halted_agent_is_cancelled_soon()
    {
        var vm = await ProtectAsync();
        Trouble("halted");

        await _lab.AskAsync("failover", vm.Name, "--kind", "planned", "--no-wait");
        await WithinAsync(10, "cancel", () => _lab.AskAsync("cancel", vm.Name));
        Repair("halted");
        await vm.InSyncAsync();
    }

    [Fact]
    public async Task A_copy_of_the_agent_is_refused_and_told_and_the_agent_itself_notices_nothing()
    {
        var vm = await ProtectAsync();
        await vm.WriteAsync();
        var copy = Path.Combine(_lab.Root, "copy");
        _lab.CopyAll(_lab.AgentData, copy);
        using var clone = _lab.Start(
            ["agent", "--server", _lab.Server, "--data", copy, "--name", "site-a", "--allow", _lab.Root]);

        var view = await _lab.UntilViewAsync(
            vm.Name, "the conflict is a cause", v => v["causes"]!.AsArray().Any(IsConflict), Soon);
        Assert.NotEqual("normal", (string?)view["health"]);
        await _lab.UntilAsync("the copy says why it waits", () => Task.FromResult(
            clone.Errors.Contains("identity is connected", StringComparison.Ordinal)));
        var listed = await _lab.RunAsync("agents");
        Assert.Contains("clone", listed.Output, StringComparison.Ordinal);
        await vm.MoreAsync(50);
        Assert.False(clone.HasExited);
        Assert.True((bool)(await _lab.ViewAsync(vm.Name))["source"]!["connected"]!);
        Assert.Equal(0, clone.Stop());
    }

    private static bool IsConflict(JsonNode? cause) => (string?)cause!["code"] == "agent-conflict";

    private async Task<LabVm> ProtectAsync()
    {
        StartAgent();
        await _lab.AgentConnectedAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        await vm.InSyncAsync();
        return vm;
    }

    private void StartAgent() => _lab.StartAgentAt(_link.Url);

    private void Trouble(string trouble)
    {
        switch (trouble)
        {
            case "halted":
                _lab.Agent!.Halt();
                break;
            case "stalled":
                _link.Stall();
                break;
            case "cut":
                _link.Cut();
                break;
            default:
                _lab.Agent!.Kill();
                break;
        }
    }

    private void Repair(string trouble)
    {
        if (trouble == "halted")
        {
            _lab.Agent!.GoOn();
        }

        _link.Open();
    }

    private async Task WithinAsync(int seconds, string what, Func<Task> work)
    {
        var began = TimeProvider.System.GetTimestamp();
        await work();
        var took = TimeProvider.System.GetElapsedTime(began);
        TestContext.Current.SendDiagnosticMessage($"{what}: {took.TotalSeconds:0.0} s");
        Assert.True(took.TotalSeconds < seconds, $"{what} took {took.TotalSeconds:0.0} s\n{_lab.Logs()}");
    }
}

using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>While a job is watched: interruption, a service that restarts, and what a terminal shows.</summary>
public sealed class Waiting
{
    [Fact]
    public async Task An_interrupted_wait_leaves_the_job_and_says_how_to_watch_it()
    {
        await using var service = await FakeService.StartAsync();
        using var interrupt = new CancellationTokenSource();
        service.Jobs["j1"] = new(Samples.Job("resync", "running"));
        service.Vms["vm1"] = new(Samples.Vm());
        var asked = 0;
        service.Before = context =>
        {
            if (context.Request.Path.StartsWithSegments("/api/v1/jobs", StringComparison.Ordinal)
                && Interlocked.Increment(ref asked) == 3)
            {
                interrupt.Cancel();
            }

            return true;
        };
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Interrupted, await drctl.RunAsync(interrupt.Token, "resync", "vm1"));
        Assert.Contains("the resync of vm1 continues as job j1", drctl.Errors, StringComparison.Ordinal);
        Assert.Contains("drctl status vm1", drctl.Errors, StringComparison.Ordinal);
        Assert.Empty(drctl.Output);
        Assert.Equal("resync", service.Received.Single().Operation);
    }

    [Fact]
    public async Task A_service_that_restarts_meanwhile_does_not_end_the_wait()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("resync", "running"), Samples.Job("resync", "running"),
            Samples.Job("resync"));
        service.Vms["vm1"] = new(Samples.Vm());
        var question = 0;
        service.Before = context => context.Request.Method == "POST" || Interlocked.Increment(ref question) is < 3
            or > 9;
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("resync", "vm1"));
        Assert.True(question > 9);
    }

    [Fact]
    public async Task A_service_that_stays_away_ends_the_wait_with_exit_code_3()
    {
        await using var service = await FakeService.StartAsync();
        service.Before = context => context.Request.Method == "POST";
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Unreachable, await drctl.RunAsync("resync", "vm1"));
        Assert.Contains("The service accepted the resync of vm1 as job ", drctl.Errors, StringComparison.Ordinal);
        Assert.InRange(drctl.Time.GetUtcNow() - Samples.Start, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(62));
    }

    [Fact]
    public async Task Without_a_terminal_a_line_comes_when_something_changed_or_half_a_minute_passed()
    {
        await using var service = await FakeService.StartAsync();
        var asked = 0;
        service.Jobs["j1"] = new([.. Enumerable.Repeat(Samples.Job("resync", "running"), 400), Samples.Job("resync")]);
        service.Vms["vm1"] = new([.. Enumerable.Range(0, 401).Select(i => Samples.Vm() with
        {
            // Still for 250 looks of 0.4 s, then one per cent in ten looks.
            Progress = new ProgressView("resync", Math.Max(0, i - 250) / 10, 100, 0, 100, asked++, null, 0),
        })]);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("resync", "vm1"));

        var lines = drctl.Errors.TrimEnd().Split('\n');
        Assert.Equal(3, lines.Count(line => line.Contains(" 0 %", StringComparison.Ordinal)) - 1);
        Assert.Contains(lines, line => line.Contains(" 5 %", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.Contains(" 10 %", StringComparison.Ordinal));
        Assert.InRange(lines.Length, 4, 8);
    }

    [Theory]
    [InlineData(null, "waiting for agent 'agent1', which is not connected; start it")]
    [InlineData("agent-conflict", "waiting for agent 'agent1'. It is refused; run `drctl agents forget agent1`.")]
    public async Task What_waits_for_an_agent_that_is_away_or_refused_names_it_and_what_to_do(string? code, string says)
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(
            [.. Enumerable.Repeat(Samples.Job("reprotect", "running"), 100), Samples.Job("reprotect")]);
        var vm = Samples.Vm(phase: "reprotecting");
        service.Vms["vm1"] = new(vm with
        {
            Source = vm.Source with { Connected = false },
            Causes = code is null ? [] :
            [
                new CauseView(code, "warning", "It is refused; run `drctl agents forget agent1`.", null, Samples.Start),
            ],
        });
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("reprotect", "vm1", "--discard"));
        Assert.Contains(says, drctl.Errors, StringComparison.Ordinal);

        var screen = new StringWriter();
        var state = new WaitState(Samples.Job("reprotect", "running"), service.Vms["vm1"].Next(), Trouble: null);
        Pages.Console(screen, null).Write(WaitDisplay.Screen(state, Samples.Start.AddSeconds(2), 200));
        Assert.Contains(says[..20], screen.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Work_that_fails_and_is_tried_again_is_shown_once_with_its_remedy_while_its_count_rises()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(
            [.. Enumerable.Repeat(Samples.Job("unplanned-failover", "running"), 60), Samples.Job("resync")]);
        service.Vms["vm1"] = new([.. Enumerable.Range(1, 60).Select(failures => Samples.Vm() with
        {
            Source = Samples.Vm().Source with { Connected = false },
            Causes =
            [
                new CauseView("recoverable-error", "warning", $"no space left. Failed {failures} times.",
                    "Free space at the target.", Samples.Start),
            ],
        })]);
        var drctl = new Drctl(service.Url);
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("resync", "vm1"));
        var line = Assert.Single(drctl.Errors.TrimEnd().Split('\n'));
        Assert.Contains("no space left.", line, StringComparison.Ordinal);
        Assert.Contains("Free space at the target.", line, StringComparison.Ordinal);
        Assert.DoesNotContain("waiting for agent", line, StringComparison.Ordinal);
    }

    [Fact]
    public void A_terminal_shows_steps_with_marks_and_a_bar()
    {
        var vm = Samples.Vm() with
        {
            Progress = new ProgressView("resync", 50, 2 << 20, 1 << 20, 1 << 20, 1 << 20, 1, 1 << 19),
        };
        var writer = new StringWriter();
        var state = new WaitState(Samples.Job("resync", "running"), vm, Trouble: null);
        Pages.Console(writer, null).Write(WaitDisplay.Screen(state, Samples.Start.AddSeconds(2), 80));
        Assert.Equal(
            [
                "▸ vm1: resync 2.0 s",
                "  ✓ prerequisites 1.0 s",
                "  ▸ transfer 1.0 s – 64 KiB blocks",
                "  ██████████████░░░░░░░░░░░░░░ 50 %, 1.0 MiB of 2.0 MiB, 1.0 MiB/s, 1.0 s left",
            ],
            writer.ToString().Split('\n').Select(line => line.TrimEnd()).Where(line => line.Length > 0));
    }

    [Fact]
    public async Task On_a_terminal_the_wait_is_drawn_on_stderr_and_stdout_carries_only_the_result()
    {
        await using var service = await FakeService.StartAsync();
        service.Jobs["j1"] = new(Samples.Job("resync", "running"), Samples.Job("resync"));
        service.Vms["vm1"] = new(Samples.Vm());
        var drctl = new Drctl(service.Url) { ErrorWidth = 80 };
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("resync", "vm1"));
        Assert.Contains("✓ transfer", drctl.Errors, StringComparison.Ordinal);
        Assert.Equal("vm1: resync done in 3.0 s; now protected, health normal\n", drctl.Output);
    }
}

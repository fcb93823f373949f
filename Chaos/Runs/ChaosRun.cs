using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Cli;
using ReplicationEngine.Chaos.Machines;
using ReplicationEngine.Chaos.Plans;
using ReplicationEngine.Chaos.Sites;
using ReplicationEngine.Wording;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>A whole run: two sites, machines that write, rounds of faults, checks, and a clean shutdown.</summary>
internal sealed class ChaosRun(ChaosOptions options, string program, Screen screen)
{
    private const int DiskBytes = 16 << 20;
    private static readonly TimeSpan ProtectLimit = TimeSpan.FromMinutes(2);

    private readonly Ledger _ledger = new();
    private readonly long _began = TimeProvider.System.GetTimestamp();
    private int _round;
    private int _done;

    /// <summary>Runs all rounds, or those that fit into the time.</summary>
    /// <returns>The counts, and the violation that ended the run; a null violation when every invariant held.</returns>
    public async Task<Outcome> RunAsync(CancellationToken cancellationToken)
    {
        var plan = new ChaosPlan(options.Seed, options.Faults, options.Vms);
        await using var sites = new TwoSites(options.Directory, program, plan.CacheLimitMiB);
        sites.Disk = MountDisk(sites.AgentData);
        using var disk = sites.Disk;
        var machines = Enumerable.Range(0, options.Vms).Select(index => Machine.Make(
            sites, _ledger, index, (options.Disks, DiskBytes), options.Seed)).ToList();
        var scene = new Scene(sites, machines, _ledger, screen);
        ViolationException? violation = null;
        try
        {
            await WholeAsync(scene, plan, cancellationToken);
        }
        catch (ViolationException e)
        {
            violation = e;
        }
        finally
        {
            sites.KeepLogs();
            await EndAsync(scene, keeps: violation is not null || options.Keeps);
            machines.ForEach(machine => machine.Dispose());
        }

        return new Outcome(_ledger, violation, _round, scene.Written, TimeProvider.System.GetElapsedTime(_began));
    }

    private static async Task EndAsync(Scene scene, bool keeps)
    {
        await scene.Sites.DisposeAsync();
        foreach (var machine in scene.Machines)
        {
            machine.Writer.Stop();
        }

        scene.Sites.Disk?.Unmount(keeps);
    }

    private SmallDisk? MountDisk(string directory)
    {
        if (!options.Faults.Contains(Fault.FullDisk))
        {
            return null;
        }

        // The disk has room for the logs of a round, and is small enough to be filled at once.
        var (disk, why) = SmallDisk.Mount(directory, 128 + (options.Vms * options.Disks * (DiskBytes >> 19)));
        return disk ?? throw new ChaosRefusedException(
            $"The fault full-disk is not possible here: {why}; omit it with --faults, or run as root.");
    }

    private async Task WholeAsync(Scene scene, ChaosPlan plan, CancellationToken cancellationToken)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var keeping = Task.CompletedTask;
        try
        {
            await BeginAsync(scene, end.Token);
            keeping = new Keeper(scene.Sites, scene.Machines).RunAsync(end.Token);
            var rounds = RoundsAsync(scene, plan, end.Token);
            // A machine that found a violation ends the run at once.
            if (await Task.WhenAny(rounds, keeping) == keeping)
            {
                await end.CancelAsync();
                await rounds.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                await keeping;
            }

            await rounds;
        }
        finally
        {
            await end.CancelAsync();
            await keeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await FinishAsync(scene);
    }

    private async Task BeginAsync(Scene scene, CancellationToken cancellationToken)
    {
        screen.Status("starting service and agent");
        await scene.Sites.StartServiceAsync(cancellationToken);
        scene.Sites.StartAgent();
        foreach (var machine in scene.Machines)
        {
            await scene.Sites.UntilAsync(
                $"{machine.Name} is accepted", async () => (await scene.Sites.Drctl.RunAsync(
                    ["protect", machine.Name, "--no-wait", .. machine.Disks.SelectMany(d => new[] { "--disk", d })]))
                    .Code == 0, ProtectLimit, cancellationToken);
            await scene.Sites.UntilAsync(
                $"{machine.Name} is served", machine.TryGoOnAsync, ProtectLimit, cancellationToken);
        }

        foreach (var machine in scene.Machines)
        {
            await scene.Sites.UntilViewAsync(
                machine.Name, "protected", view => (string?)view["phase"] == "protected", ProtectLimit,
                cancellationToken);
        }

        screen.Tell($"{Readable.Count(options.Vms, "VM")} with {Readable.Count(options.Disks, "disk")} of "
            + $"{DiskBytes >> 20} MiB protected, under writes");
    }

    private async Task RoundsAsync(Scene scene, ChaosPlan plan, CancellationToken cancellationToken)
    {
        var calm = new Calm(scene);
        while (!options.IsOver(_round, TimeProvider.System.GetElapsedTime(_began)))
        {
            var round = plan.Round(++_round);
            screen.Tell(options.Rounds is { } all ? $"round {_round} of {all}" : $"round {_round}");
            using var ticking = Ticking(scene);
            using var timeline = new FaultTimeline(scene);
            await Task.WhenAll(
                timeline.RunAsync(round.Faults, cancellationToken),
                new Orders(scene).RunAsync(round.Orders, cancellationToken));
            await calm.RestoreAsync(cancellationToken);
            foreach (var machine in scene.Machines)
            {
                await calm.JudgeAsync(machine, new Random(_round), unseen: 1, cancellationToken);
            }

            if (round.Story is { } story)
            {
                await new Story(scene, calm, story).RunAsync(cancellationToken);
                await calm.RestoreAsync(cancellationToken);
                await calm.JudgeAsync(
                    scene.Machines[story.Vm], new Random(_round), unseen: 1, cancellationToken);
            }

            await calm.VerifyJournalAsync();
            _done = _round;
            screen.Tell($"round {_round} passed: {Line(scene)}");
        }
    }

    // All points that were never read are checked, and both processes shut down on request.
    private async Task FinishAsync(Scene scene)
    {
        const int most = 8;
        using var ticking = Ticking(scene);
        foreach (var machine in scene.Machines)
        {
            machine.Rest();
            await new PointChecks(scene.Sites, _ledger).JudgeAsync(machine, new Random(0), unseen: most);
        }

        var (agent, service) = await scene.Sites.StopAsync();
        _ledger.Check("process", agent == 0, $"after SIGTERM the agent exited with {agent}");
        _ledger.Check("process", service == 0, $"after SIGTERM the service exited with {service}");
        foreach (var machine in scene.Machines)
        {
            machine.IsComplete(machine.SourceImages(), $"{machine.Name}, the source's disks after the end");
        }

        await new Calm(scene).VerifyJournalAsync();
    }

    private ITimer Ticking(Scene scene)
    {
        var often = TimeSpan.FromMilliseconds(500);
        return TimeProvider.System.CreateTimer(_ => screen.Status(Line(scene)), null, often, often);
    }

    private string Line(Scene scene)
    {
        var passed = TimeProvider.System.GetElapsedTime(_began);
        var left = options.Left(_done, passed) is { Ticks: > 0 } time
            ? $", about {Readable.WholeSeconds(time)} left" : "";
        return FormattableString.Invariant(
            $"{scene.Written:N0} writes acknowledged, {_ledger.Points:N0} points compared, ")
            + FormattableString.Invariant($"{_ledger.Checks.Values.Sum():N0} checks{left}");
    }
}

/// <summary>The result of a run.</summary>
/// <param name="Ledger">The counts of faults and checks.</param>
/// <param name="Violation">The invariant that was violated; null when all held.</param>
/// <param name="Rounds">The last round that was started.</param>
/// <param name="Written">The number of acknowledged writes.</param>
/// <param name="Took">The duration of the run.</param>
internal sealed record Outcome(Ledger Ledger, ViolationException? Violation, int Rounds, long Written, TimeSpan Took);

/// <summary>The run is not possible here; the message is one sentence with the remedy.</summary>
internal sealed class ChaosRefusedException(string message) : Exception(message);

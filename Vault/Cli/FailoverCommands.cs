using System.CommandLine;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The commands about recovery points: <c>failover</c>, <c>change-point</c>, <c>point</c>.</summary>
internal static class FailoverCommands
{
    private const string Test = "test";
    private const string Planned = "planned";
    private const string Unplanned = "unplanned";
    private const string NotServed =
        "the failover is complete, but a recovered disk is not served; see `drctl status` and the service's log.";

    /// <summary>Returns all commands about recovery points.</summary>
    public static IEnumerable<Command> All(ClientCommands commands) =>
        [Failover(commands), ChangePoint(commands), MakePoint(commands)];

    private static Command Failover(ClientCommands commands)
    {
        var kind = new Option<string>("--kind")
        {
            HelpName = $"{Test}|{Planned}|{Unplanned}",
            Description = $"{Test}: {VmOperations.TestFailover.Help}; {Planned}: {VmOperations.PlannedFailover.Help}; "
                + $"{Unplanned}: {VmOperations.UnplannedFailover.Help}",
            Required = true,
        };
        kind.AcceptOnlyFromAmong(Test, Planned, Unplanned);
        var point = new Option<string?>("--point")
        {
            HelpName = "latest|latest-processed|latest-app|ID",
            Description = "The recovery point to recover to (default: latest)",
        };
        var force = new Option<bool>("--force")
        {
            Description = "With `--kind planned`: fail over even if clients have the source's disks open for writing; "
                + "their writes fail from then on",
        };
        return commands.Operation(
            "failover", "Recover a VM at the recovery site and print the NBD URIs of its disks",
                [kind, point, force],
            async (run, cancellationToken) =>
            {
                var chosen = run.Parsed.GetRequiredValue(kind);
                var (operation, arguments) = Asked(chosen, run.Parsed.GetValue(point), run.Parsed.GetValue(force));
                await run.StartAsync(run.Vm, operation, arguments, cancellationToken);
                await FinishAsync(run, chosen, cancellationToken);
            });
    }

    private static (VmOperation Operation, OperationArguments Arguments) Asked(string kind, string? point, bool force)
    {
        if (force && kind != Planned)
        {
            throw CommandFailedException.Usage(
                $"--force applies to `--kind {Planned}` only; omit it for "
                    + $"`--kind {kind}`.");
        }

        var failover = new FailoverArguments();
        failover = failover with { Point = point ?? failover.Point };
        return kind switch
        {
            Test => (VmOperations.TestFailover, failover),
            Planned => (
                VmOperations.PlannedFailover, new PlannedFailoverArguments { Point = failover.Point, Force = force }),
            _ => (VmOperations.UnplannedFailover, failover),
        };
    }

    private static Command ChangePoint(ClientCommands commands)
    {
        var point = new Argument<string>("POINT")
        {
            HelpName = "latest|latest-processed|latest-app|ID",
            Description = "The recovery point to switch to",
        };
        var discard = OperationCommands.DiscardWrites();
        return commands.Operation(
            VmOperations.ChangePoint.Name, VmOperations.ChangePoint.Help, [point, discard],
            async (run, cancellationToken) =>
            {
                var arguments = new ChangePointArguments
                {
                    Point = run.Parsed.GetRequiredValue(point),
                    Discard = run.Parsed.GetValue(discard),
                };
                await run.StartAsync(run.Vm, VmOperations.ChangePoint, arguments, cancellationToken);
                await FinishAsync(run, VmOperations.ChangePoint.Name, cancellationToken);
            });
    }

    private static async Task FinishAsync(CommandRun run, string kind, CancellationToken cancellationToken)
    {
        if (run.NoWait)
        {
            OperationCommands.Accepted(run, run.Started!.Operation);
            return;
        }

        var state = await run.WaitAsync(
            s => s.Ended && OperationCommands.AllServed(Recovered(s, kind)?.Disks), NotServed, cancellationToken);
        var recovered = Recovered(state, kind)!;
        var result = new FailoverResult(
            state.Job.Vm, recovered.Disks, recovered.Point, recovered.RpoSeconds, recovered.RtoSeconds, kind,
                state.Vm!.Phase,
            state.Job.Id);
        run.Answer(result, r =>
        [
            $"{r.Vm}: {r.Phase}; {ApiText.Of(r.Point.Kind)} point {r.Point.Id} of {Readable.Time(r.Point.Time)}, "
            + $"RPO {Readable.Duration(r.RpoSeconds)}, RTO {Readable.Duration(r.RtoSeconds)}",
            .. OperationCommands.DiskLines(r.Disks),
        ]);
    }

    private static RecoveredView? Recovered(WaitState state, string kind) =>
        kind == Test ? state.Vm?.Test : state.Vm?.Recovered;

    private static Command MakePoint(ClientCommands commands)
    {
        var app = new Option<bool>("--app") { Description =
            "Make an application-consistent point: freeze the applications with the agent's hooks" };
        return commands.Operation("point", VmOperations.MakePoint.Help, [app], async (run, cancellationToken) =>
        {
            var wanted = run.Parsed.GetValue(app);
            var former = (await run.Client.FindVmAsync(run.Vm, cancellationToken))?.Points.Newest?.Id;
            var jobId = await run.StartAsync(
                run.Vm, VmOperations.MakePoint, new MakePointArguments { App = wanted }, cancellationToken);
            if (run.NoWait)
            {
                OperationCommands.Accepted(run, VmOperations.MakePoint.Name);
                return;
            }

            var state = await run.WaitAsync(
                s => s.Ended && s.Vm?.Points.Newest is { } newest && newest.Id != former,
                "the point was made, but the service does not list it; see `drctl points`.", cancellationToken);
            var point = state.Vm!.Points.Newest!;
            if (wanted && point.Kind is not PointKind.App)
            {
                run.Surroundings.Error.WriteLine(
                    $"warning: the point is only crash-consistent, because the freeze failed; see `drctl jobs "
                        + $"{state.Job.Vm}`.");
            }

            run.Answer(new PointResult(state.Job.Vm, point, jobId), r =>
                [$"{r.Vm}: {ApiText.Of(r.Point.Kind)} point {r.Point.Id} of {Readable.Time(r.Point.Time)}"]);
        });
    }
}

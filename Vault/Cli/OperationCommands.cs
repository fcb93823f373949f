using System.CommandLine;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The commands that start an operation whose result is the VM's new phase.</summary>
internal static class OperationCommands
{
    /// <summary>Returns all commands of this kind.</summary>
    public static IEnumerable<Command> All(ClientCommands commands)
    {
        var notes = new Option<string?>("--notes") { HelpName = "TEXT",
            Description = "Notes about the test, recorded in the VM's history" };
        yield return Simple(commands, VmOperations.CleanUp, parsed => new CleanUpArguments
        {
            Notes = parsed.GetValue(notes) ?? "",
        }, notes, name: "cleanup");

        yield return Simple(commands, VmOperations.Commit);

        var discard = DiscardWrites();
        yield return Simple(commands, VmOperations.Cancel, parsed => new DiscardArguments
        {
            Discard = parsed.GetValue(discard),
        }, discard, showsSource: true);

        var overwrite = new Option<bool>("--discard") { Description =
            "Overwrite data that only the old source has: writes made there after the recovery point" };
        yield return Simple(commands, VmOperations.Reprotect, parsed => new DiscardArguments
        {
            Discard = parsed.GetValue(overwrite),
        }, overwrite);
        yield return Simple(commands, VmOperations.Failback, showsSource: true, waitsForSource: true);
        yield return Simple(commands, VmOperations.Resync);
        yield return Simple(commands, VmOperations.Pause);
        yield return Simple(commands, VmOperations.Resume);
        yield return Simple(commands, VmOperations.Retry);

        var keep = new Option<bool>("--keep-replica")
        {
            Description = "Keep the replica, so that protecting the VM again transfers only the differences",
        };
        yield return Simple(commands, VmOperations.Disable, parsed => new DisableArguments
        {
            KeepReplica = parsed.GetValue(keep),
        }, keep);
        yield return OfPoint(commands, VmOperations.HoldPoint);
        yield return OfPoint(commands, VmOperations.ReleasePoint);
        yield return LiftQuarantine(commands);
    }

    /// <summary>Returns the option that accepts the loss of what the recovered machine has written.</summary>
    public static Option<bool> DiscardWrites() => new("--discard")
    {
        Description = "Discard what the recovered machine has written since the failover",
    };

    private static Command LiftQuarantine(ClientCommands commands) => commands.ViewOfVm(
        "lift-quarantine", "Return a quarantined VM to service after its cause is fixed", [],
        async (run, cancellationToken) =>
        {
            var now = await run.Client.LiftQuarantineAsync(run.Vm, cancellationToken);
            run.Answer(new OperationResult(now.Vm, "lift-quarantine", null, "succeeded", now.Phase, now.Health),
                OperationLines);
        });

    private static Command OfPoint(ClientCommands commands, VmOperation<PointArguments> operation)
    {
        var point = new Argument<string>("ID") { Description = "The recovery point; `drctl points` lists the ids" };
        return Simple(commands, operation, parsed => new PointArguments
        {
            Point = parsed.GetRequiredValue(point),
        }, point);
    }

    private static Command Simple(
        ClientCommands commands, VmOperation<NoArguments> operation, bool showsSource = false,
        bool waitsForSource = false) =>
        Simple(commands, operation, _ => new NoArguments(), null, showsSource, waitsForSource);

    private static Command Simple<TArguments>(
        ClientCommands commands, VmOperation<TArguments> row, Func<ParseResult, TArguments> arguments, Symbol? symbol,
        bool showsSource = false, bool waitsForSource = false, string? name = null)
        where TArguments : OperationArguments =>
        commands.Operation(name ?? row.Name, row.Help, symbol is null ? [] : [symbol], async (run, cancellationToken) =>
        {
            var (vm, operation) = (run.Vm, row.Name);
            var jobId = await run.TryStartAsync(vm, row, arguments(run.Parsed), cancellationToken);
            if (jobId is null)
            {
                var now = await run.Client.VmAsync(vm, cancellationToken);
                run.Answer(new OperationResult(vm, operation, null, "succeeded", now.Phase, now.Health),
                    OperationLines);
                return;
            }

            if (run.NoWait)
            {
                Accepted(run, operation);
                return;
            }

            var state = await run.WaitAsync(
                s => s.Ended && (!waitsForSource || AllServed(s.Vm?.Source.Disks)),
                "the operation is complete, but the source's disks are not served; check that its agent runs with "
                    + "`drctl agents`.",
                cancellationToken);
            var seconds = state.Job.EndedAt is { } end ? (end - state.Job.StartedAt).TotalSeconds : (double?)null;
            var result = new OperationResult(
                vm, operation, jobId, state.Job.State, state.Vm?.Phase ?? "disabled", state.Vm?.Health, seconds,
                showsSource ? state.Vm?.Source.Disks : null);
            run.Answer(result, OperationLines);
        });

    /// <summary>Writes the result of an operation that was accepted and is not waited for.</summary>
    public static void Accepted(CommandRun run, string operation)
    {
        var started = run.Started!;
        run.Answer(
            new OperationResult(started.Vm, operation, started.JobId, "running"),
            r => [$"{r.Vm}: {r.Operation} continues as job {r.JobId}"]);
    }

    /// <summary>Returns true when there are disks and each has a URI.</summary>
    public static bool AllServed(IReadOnlyList<DiskView>? disks) => disks is { Count: > 0 }
        && disks.All(d => d.Uri is not null);

    /// <summary>Returns a line for each disk, with its URI last, so that it is easy to cut out.</summary>
    public static IEnumerable<string> DiskLines(IReadOnlyList<DiskView> disks) =>
        disks.Select(d => $"  {d.Path}  {Readable.Bytes(d.SizeBytes)}  {d.Uri ?? "not served"}");

    private static IEnumerable<string> OperationLines(OperationResult result)
    {
        var took = result.Seconds is { } seconds ? $" in {Readable.Duration(seconds)}" : string.Empty;
        var health = result.Health is { } text ? $", health {text}" : string.Empty;
        return [$"{result.Vm}: {result.Operation} done{took}; now {result.Phase}{health}",
            .. DiskLines(result.Disks ?? [])];
    }
}

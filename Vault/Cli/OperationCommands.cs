using System.CommandLine;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The commands that start an operation whose result is the VM's new phase.</summary>
internal static class OperationCommands
{
    /// <summary>All of them.</summary>
    public static IEnumerable<Command> All(ClientCommands commands)
    {
        var notes = new Option<string?>("--notes") { HelpName = "TEXT",
            Description = "Notes about the test, kept in the history" };
        yield return Simple(commands, "cleanup", "clean-up", "Remove the machine of a test failover", notes,
            (parsed, request) => request with { Notes = parsed.GetValue(notes) });

        yield return Simple(commands, "commit", "commit", "Commit the failover and delete the other recovery points");

        var discard = new Option<bool>("--discard") { Description =
            "Discard what the recovered machine has written" };
        yield return Simple(commands, "cancel", "cancel", "Cancel a failover that has not been committed", discard,
            (parsed, request) => request with { Discard = parsed.GetValue(discard) ? true : null }, showsSource: true);

        var overwrite = new Option<bool>("--discard") { Description =
            "Overwrite what only the old source has: writes made there after the point" };
        yield return Simple(
            commands, "reprotect", "reprotect", "After a failover, replicate the differences back to the source",
            overwrite, (parsed, request) => request with { Discard = parsed.GetValue(overwrite) ? true : null });
        yield return Simple(commands, "failback", "failback", "Move the VM back to the source without losing a write",
            showsSource: true, waitsForSource: true);
        yield return Simple(commands, "resync", "resync", "Compare both sides by checksums and send the differences");
        yield return Simple(commands, "pause", "pause", "Pause replication; changed blocks are tracked");
        yield return Simple(commands, "resume", "resume", "Resume replication");
        yield return Simple(commands, "retry", "retry", "Retry failed work now");

        var keep = new Option<bool>("--keep-replica") { Description = "Keep the replica's data" };
        yield return Simple(commands, "disable", "disable", "End the protection of a VM", keep,
            (parsed, request) => request with { KeepReplica = parsed.GetValue(keep) ? true : null });
        yield return LiftQuarantine(commands);
    }

    private static Command LiftQuarantine(ClientCommands commands) => commands.ViewOfVm(
        "lift-quarantine", "Return a quarantined VM to service, once the cause is removed", [],
        async (run, cancellationToken) =>
        {
            var now = await run.Client.LiftQuarantineAsync(run.Vm, cancellationToken);
            run.Answer(new OperationResult(now.Vm, "lift-quarantine", null, "succeeded", now.Phase, now.Health),
                OperationLines);
        });

    private static Command Simple(
        ClientCommands commands, string name, string operation, string description, Option? option = null,
        Func<ParseResult, OperationRequest, OperationRequest>? fill = null, bool showsSource = false,
        bool waitsForSource = false) =>
        commands.Operation(name, description, option is null ? [] : [option], async (run, cancellationToken) =>
        {
            var vm = run.Vm;
            var request = new OperationRequest();
            var jobId = await run.TryStartAsync(vm, operation, fill?.Invoke(run.Parsed, request) ?? request,
                cancellationToken);
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
                "the operation is done, but the source's disks are not served; see whether its agent runs with "
                    + "`drctl agents`.",
                cancellationToken);
            var seconds = state.Job.EndedAt is { } end ? (end - state.Job.StartedAt).TotalSeconds : (double?)null;
            var result = new OperationResult(
                vm, operation, jobId, state.Job.State, state.Vm?.Phase ?? "disabled", state.Vm?.Health, seconds,
                showsSource ? state.Vm?.Source.Disks : null);
            run.Answer(result, OperationLines);
        });

    /// <summary>Answers what is known when nothing is waited for.</summary>
    public static void Accepted(CommandRun run, string operation)
    {
        var started = run.Started!;
        run.Answer(
            new OperationResult(started.Vm, operation, started.JobId, "running"),
            r => [$"{r.Vm}: {r.Operation} goes on as job {r.JobId}"]);
    }

    /// <summary>True when there are disks and each has a URI.</summary>
    public static bool AllServed(IReadOnlyList<DiskView>? disks) => disks is { Count: > 0 }
        && disks.All(d => d.Uri is not null);

    /// <summary>A line for each disk: its URI comes last, so that it is easy to cut out.</summary>
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

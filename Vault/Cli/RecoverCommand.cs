using System.CommandLine;
using System.Text.Json.Nodes;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Replicas;

namespace ReplicationEngine.Vault.Cli;

/// <summary><c>drctl recover</c>: makes a journal from the replicas when the journal is lost or damaged.</summary>
internal sealed class RecoverCommand(ClientOptions options, CliSurroundings surroundings)
{
    private readonly Option<string> _data = new("--data")
    {
        HelpName = "DIR", Description = "The data directory of the service", Required = true,
    };

    private readonly Option<bool> _replace = new("--replace-journal")
    {
        Description = "Replace an existing journal that is damaged or does not match the replicas; it is kept under "
            + "another name",
    };

    private readonly Option<string?> _agent = new("--agent")
    {
        HelpName = "NAME", Description = "The agent of those VMs whose directory does not name one",
    };

    private readonly Option<string?> _primary = new("--primary")
    {
        HelpName = "source|target",
        Description = "The side that ran last, for failed-over VMs whose directory does not say",
    };

    private readonly Option<long> _term = new("--term")
    {
        HelpName = "N",
        Description = "The highest term that an agent reports, when the replicas were restored from a backup",
    };

    /// <summary>Returns the command <c>drctl recover</c>.</summary>
    public Command Make()
    {
        var command = new Command(
            "recover",
            "Rebuild a lost or damaged journal from the replicas in a data directory")
        {
            _data, _replace, _agent, _primary, _term, options.Json,
        };
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => new JournalRun(parsed, options, surroundings, cancellationToken).Invoke(
                run => Recover(run, cancellationToken)),
            CancellationToken.None));
        return command;
    }

    private int Recover(JournalRun run, CancellationToken cancellationToken)
    {
        var hints = new RecoveryHints(
            run.Parsed.GetValue(_agent), Primary(run.Parsed.GetValue(_primary)), run.Parsed.GetValue(_term));
        var data = run.Full(run.Parsed.GetRequiredValue(_data));
        try
        {
            var (vms, aside) = new JournalRecovery(data, surroundings.Time).Run(
                run.Parsed.GetValue(_replace), hints, cancellationToken);
            run.Answer(() => Json(vms, aside), () => Lines(data, vms, aside));
            return ExitCodes.Done;
        }
        catch (VaultRefusedException e)
        {
            return run.Fail(e.Message);
        }
    }

    private static PrimarySide? Primary(string? side) => side switch
    {
        null => null,
        "source" => PrimarySide.Source,
        "target" => PrimarySide.Target,
        _ => throw CommandFailedException.Usage($"'{side}' is not a side; write source or target for --primary."),
    };

    private static JsonObject Json(IReadOnlyList<RecoveredVm> vms, string? aside) => new()
    {
        ["setAside"] = aside,
        ["vms"] = new JsonArray([.. vms.Select(vm => new JsonObject
        {
            ["vm"] = vm.State.Enrollment.Vm.Value,
            ["was"] = vm.Was,
            ["phase"] = PhaseName.Of(vm.State.Phase),
            ["term"] = vm.State.Term.Value,
            ["points"] = vm.State.Points.Count,
            ["next"] = Next(vm),
        })]),
    };

    private static IEnumerable<string> Lines(string data, IReadOnlyList<RecoveredVm> vms, string? aside)
    {
        foreach (var vm in vms)
        {
            yield return $"{vm.State.Enrollment.Vm}: {PhaseName.Of(vm.State.Phase)}"
                + (vm.Was is { } was ? $" (was {was})" : "")
                + $", {Readable.Count(vm.State.Points.Count, "recovery point")}, term {vm.State.Term}. {Next(vm)}";
        }

        if (aside is not null)
        {
            yield return $"The previous journal is kept as {aside}.";
        }

        yield return $"Start the service with `drctl serve --data {data}`.";
    }

    private static string Next(RecoveredVm vm) => (vm.Command.As, vm.State.Enrollment.Vm) switch
    {
        (RecoveredAs.InitialReplication, _) => "The initial replication continues when the agent reconnects.",
        (RecoveredAs.Protected, _) =>
            "The source is the primary; all of its disks are compared when the agent reconnects.",
        (RecoveredAs.CommitPending, var name) =>
            $"The source stays fenced. Choose `drctl commit {name}`, `drctl change-point {name}` or "
            + $"`drctl cancel {name}`.",
        (RecoveredAs.FailedOver, var name) =>
            $"The recovered machine is the primary. Protect it with `drctl reprotect {name}`.",
        (RecoveredAs.Reprotecting, _) =>
            "The recovered machine is the primary; the source's disks are being made equal to it.",
        (RecoveredAs.FailbackCommitPending, var name) =>
            $"The source is the primary. Finish with `drctl commit {name}`.",
        (RecoveredAs.FailedBack, var name) =>
            $"The source is the primary, unprotected. Protect it with `drctl reprotect {name}`.",
        (_, var name) => $"It was not protected; its replica is kept. `drctl protect {name}` reuses it.",
    };
}

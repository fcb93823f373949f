using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The read-only commands: status, points, log, jobs, agents.</summary>
internal static class ViewCommands
{
    /// <summary>Returns all read-only commands.</summary>
    public static IEnumerable<Command> All(ClientCommands commands) =>
        [Status(commands), Points(commands), Log(commands), Jobs(commands), AgentCommands.Make(commands)];

    private static Command Status(ClientCommands commands)
    {
        var name = OptionalVm("The VM's name (default: all VMs)");
        var all = new Option<bool>("--all") { Description = "Include VMs whose protection has ended" };
        return commands.View(
            "status", "Show the state and health of a VM, or a table of all VMs", [name, all],
            async (run, cancellationToken) =>
        {
            var now = run.Surroundings.Time.GetUtcNow();
            if (run.Parsed.GetValue(name) is { } vm)
            {
                var view = await run.Client.VmAsync(InputText.VmName(vm), cancellationToken);
                run.Answer(view, v => StatusPages.Page(v, now, run.Surroundings.OutWidth ?? StatusPages.UsualWidth));
            }
            else
            {
                var vms = await run.Client.VmsAsync(cancellationToken);
                var ended = run.Parsed.GetValue(all) ? 0 : vms.Count(view => view.Phase == "disabled");
                IReadOnlyList<VmView> shown = ended == 0 ? vms : [.. vms.Where(view => view.Phase != "disabled")];
                run.Answer(shown, views => StatusPages.Table(views, ended, now));
            }
        });
    }

    private static Command Points(ClientCommands commands) =>
        commands.ViewOfVm("points", "List a VM's recovery points, newest first", [], async (run, cancellationToken) =>
        {
            var points = await run.Client.PointsAsync(run.Vm, cancellationToken);
            run.Answer(points, p => PointsPage.Page(p, run.Surroundings.Time.GetUtcNow()));
        });

    private static Command Log(ClientCommands commands)
    {
        var at = new Option<string?>("--at")
        {
            HelpName = "SEQ|TIME",
            Description = "Show the VM's state after event SEQ, or at a time such as 2026-01-31T12:00:00Z",
        };
        return commands.ViewOfVm("log", "Show a VM's history, oldest event first", [at],
            async (run, cancellationToken) =>
        {
            if (run.Parsed.GetValue(at) is { } instant)
            {
                run.Answer(await run.Client.StateAtAsync(run.Vm, instant, cancellationToken), StateLines);
                return;
            }

            var lines = new List<LogLineView>();
            await foreach (var line in run.Client.LogAsync(run.Vm, cancellationToken))
            {
                if (run.Json)
                {
                    run.WriteJson(line);
                }
                else
                {
                    lines.Add(line);
                }
            }

            foreach (var line in LogLines(lines))
            {
                run.Surroundings.Out.WriteLine(Readable.Plain(line));
            }
        });
    }

    private static Command Jobs(ClientCommands commands)
    {
        var name = OptionalVm("The VM's name (default: all VMs)");
        return commands.View("jobs", "List jobs and their steps, newest first", [name],
            async (run, cancellationToken) =>
        {
            var vm = run.Parsed.GetValue(name) is { } typed ? InputText.VmName(typed) : null;
            var jobs = await run.Client.JobsAsync(vm, cancellationToken);
            if (vm is not null && jobs.Count == 0)
            {
                // An unknown VM is an error, not a VM without jobs. A VM that was disabled still has its jobs.
                await run.Client.VmAsync(vm, cancellationToken);
            }

            run.Answer(jobs, j => JobsPage.Table(j, run.Surroundings.Time.GetUtcNow()));
        });
    }

    // Each event is one line, never folded, so that the output can be searched and cut.
    private static IEnumerable<string> LogLines(IReadOnlyList<LogLineView> lines)
    {
        var type = lines.Select(l => l.Type.Length).DefaultIfEmpty(0).Max();
        var by = lines.Select(l => l.Actor.Length).DefaultIfEmpty(0).Max();
        return lines.Select(l =>
            $"{l.Seq,6}  {Readable.Time(l.Time)}  {l.Type.PadRight(type)}  {l.Actor.PadRight(by)}  {Compact(l.Data)}");
    }

    private static IEnumerable<string> StateLines(StateAtView state)
    {
        yield return $"after event {state.Seq}, {Readable.Time(state.Time)}: {state.Phase}, health {state.Health}";
        foreach (var line in state.State.ToJsonString(Indented).Split('\n'))
        {
            yield return line;
        }
    }

    private static string Compact(JsonNode? data) => data?.ToJsonString(CliJson.Output.Options) ?? string.Empty;

    private static JsonSerializerOptions Indented { get; } = new(CliJson.Output.Options) { WriteIndented = true };

    private static Argument<string?> OptionalVm(string description) =>
        new("NAME") { Arity = ArgumentArity.ZeroOrOne, Description = description };
}

using System.CommandLine;
using System.Globalization;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Vault.Contracts;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// The commands about the service's own state: <c>projections status</c>, <c>projections rebuild</c>, <c>audit</c> and
/// <c>health</c>.
/// </summary>
internal static class ProjectionCommands
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>Returns all commands about the service's own state.</summary>
    public static IEnumerable<Command> All(ClientCommands commands)
    {
        var projections = new Command(
            "projections", "Show or rebuild the read models that the service derives from its journal");
        projections.Subcommands.Add(Status(commands));
        projections.Subcommands.Add(Rebuild(commands));
        return [projections, Audit(commands), Health(commands)];
    }

    private static Command Health(ClientCommands commands) => commands.View(
        "health", "Show the health of the service: journal, read models and quarantined VMs", [],
        async (run, cancellationToken) =>
            run.Answer(await run.Client.HealthAsync(cancellationToken), Page));

    private static IRenderable Page(HealthView view) => new Rows(
    [
        Pages.Line($"service: {view.Health}", Pages.HealthStyle(view.Health)),
        .. view.Causes.SelectMany(cause => new[]
        {
            Pages.Line(
                $"  {cause.Severity} {cause.Code}, since {Readable.Time(cause.Since)}: {cause.Message}",
                Pages.HealthStyle(cause.Severity)),
            Pages.Line($"    {cause.Remedy}"),
        }),
        Pages.Line(string.Empty),
        Table(view.Projections),
    ]);

    private static Command Status(ClientCommands commands) => commands.View(
        "status", "Show how far each read model has followed the journal", [],
        async (run, cancellationToken) =>
            run.Answer(await run.Client.ProjectionsAsync(cancellationToken), Table));

    private static Command Rebuild(ClientCommands commands)
    {
        var name = new Argument<string>("PROJECTION") { Description = "The name of the read model" };
        var noWait = new Option<bool>("--no-wait")
        {
            Description = "Return when the rebuild has started, without waiting for its end",
        };
        return commands.View(
            "rebuild",
            "Rebuild a read model from the first event; the old one stays in use until the new one is complete",
            [name, noWait],
            async (run, cancellationToken) =>
            {
                var projection = run.Parsed.GetRequiredValue(name);
                await run.Client.RebuildAsync(projection, cancellationToken);
                var view = run.Parsed.GetValue(noWait)
                    ? Of(projection, await run.Client.ProjectionsAsync(cancellationToken))
                    : await UntilBuiltAsync(run, projection, cancellationToken);
                run.Answer(view, v => Table([v]));
            });
    }

    private static async Task<ProjectionView> UntilBuiltAsync(
        CommandRun run, string projection, CancellationToken cancellationToken)
    {
        var progress = new JournalProgress(run.Surroundings, $"{projection}: replayed");
        var most = 0L;
        try
        {
            while (true)
            {
                var view = Of(projection, await run.Client.ProjectionsAsync(cancellationToken));
                if (view.Activity == "following")
                {
                    return view;
                }

                most = Math.Max(most, view.Behind);
                progress.Show(new ReplayProgress(most - view.Behind, most, 0));
                await Task.Delay(LookEvery, run.Surroundings.Time, cancellationToken);
            }
        }
        finally
        {
            progress.Clear();
        }
    }

    private static ProjectionView Of(string projection, IReadOnlyList<ProjectionView> all) =>
        all.FirstOrDefault(view => view.Name == projection) ?? throw CommandFailedException.Refused(
            $"The service no longer has the read model '{projection}'; see `drctl projections status`.");

    private static Command Audit(ClientCommands commands)
    {
        var name = new Argument<string?>("NAME")
        {
            Arity = ArgumentArity.ZeroOrOne, Description = "The VM's name (default: all VMs)",
        };
        var most = new Option<int>("--most")
        {
            HelpName = "N", Description = "The maximum number of entries", DefaultValueFactory = _ => 100,
        };
        return commands.View(
            "audit", "List the accepted requests of users, newest first", [name, most],
            async (run, cancellationToken) =>
            {
                var vm = run.Parsed.GetValue(name) is { } typed ? InputText.VmName(typed) : null;
                var wanted = run.Parsed.GetValue(most);
                if (wanted < 1)
                {
                    throw new CommandFailedException(
                        ExitCodes.Usage, $"'{wanted}' is not a number of entries; give 1 or more with --most.");
                }

                var entries = await run.Client.AuditAsync(vm, wanted, cancellationToken);
                run.Answer(entries, Table);
            });
    }

    private static IRenderable Table(IReadOnlyList<ProjectionView> views)
    {
        var table = Pages.Table("PROJECTION", "VERSION", "BUILT", "ACTIVITY", "EVENTS LEFT", "POSITION");
        foreach (var view in views)
        {
            table.With(
                view.Name, view.Version.ToString(CultureInfo.InvariantCulture),
                $"{view.Generation.ToString(CultureInfo.InvariantCulture)}x", view.Activity,
                view.Behind.ToString("N0", CultureInfo.InvariantCulture), view.Position);
        }

        return new Rows(
        [
            table,
            .. views.Where(view => view.Trouble is not null).Select(view => Pages.Line(
                $"warning: {view.Name} is stalled since {Readable.Time(view.TroubleSince!.Value)}: "
                + $"{view.Trouble}; the service retries")),
        ]);
    }

    private static IRenderable Table(IReadOnlyList<AuditView> entries)
    {
        if (entries.Count == 0)
        {
            return Pages.Line("No requests yet.");
        }

        var table = Pages.Table("TIME", "VM", "BY", "WHAT", "EVENT", "COMMAND ID");
        foreach (var entry in entries)
        {
            table.With(
                Readable.Time(entry.Time), entry.Vm, entry.Actor, entry.Command,
                entry.Sequence.ToString(CultureInfo.InvariantCulture), entry.CommandId.ToString());
        }

        return table;
    }
}

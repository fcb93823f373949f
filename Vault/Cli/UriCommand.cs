using System.CommandLine;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Cli;

/// <summary><c>drctl uri</c>: prints where a VM's disks are served now, as URIs or as configuration to paste.</summary>
internal static class UriCommand
{
    private const string Source = "source";
    private const string Recovered = "recovered";
    private const string Test = "test";

    /// <summary>Returns the command <c>drctl uri</c>.</summary>
    public static Command Make(ClientCommands commands)
    {
        var print = AttachSnippets.Option();
        var machine = new Option<string?>("--machine")
        {
            HelpName = $"{Source}|{Recovered}|{Test}",
            Description = "Whose disks: the source's, the recovered machine's or the test failover's (default: "
                + "recovered after a failover, else source)",
        };
        machine.AcceptOnlyFromAmong(Source, Recovered, Test);
        return commands.ViewOfVm(
            "uri", "Print the NBD URIs of a VM, or a configuration that attaches it",
            [machine, print],
            async (run, cancellationToken) =>
            {
                OneFormOnly(run, run.Parsed.GetValue(print));
                var view = await run.Client.VmAsync(run.Vm, cancellationToken);
                var chosen = run.Parsed.GetValue(machine) ?? (view.Recovered is null ? Source : Recovered);
                var disks = Disks(view, chosen);
                if (run.Parsed.GetValue(print) is { } kind)
                {
                    Print(run, kind, disks);
                }
                else
                {
                    run.Answer(new UriResult(view.Vm, chosen, disks), r => r.Disks.Select(disk => disk.Uri!));
                }

                if (chosen == Source && view.Source.Role is not SourceRole.Primary)
                {
                    run.Surroundings.Error.WriteLine(
                        Readable.Plain("note: these disks are read-only, because the source is "
                            + $"{ApiText.Of(view.Source.Role)}."));
                }
            });
    }

    /// <summary>Writes the snippet for disks that are all served.</summary>
    public static void Print(CommandRun run, string kind, IReadOnlyList<DiskView> disks)
    {
        foreach (var line in AttachSnippets.Lines(kind, disks))
        {
            run.Surroundings.Out.WriteLine(Readable.Plain(line));
        }
    }

    /// <summary>Refuses a command line that requests both JSON and a snippet, before any work starts.</summary>
    /// <exception cref="CommandFailedException">The command line requests both.</exception>
    public static void OneFormOnly(CommandRun run, string? print)
    {
        if (print is not null && run.Json)
        {
            throw CommandFailedException.Usage("--json and --print exclude each other; omit one of them.");
        }
    }

    private static IReadOnlyList<DiskView> Disks(VmView view, string machine)
    {
        var disks = machine switch
        {
            Source => view.Source.Disks,
            Recovered => view.Recovered?.Disks,
            _ => view.Test?.Disks,
        };
        return disks switch
        {
            null => throw CommandFailedException.Refused(
                $"{view.Vm} has no {(machine == Test ? "test" : "recovered")} machine; see `drctl status {view.Vm}`."),
            _ when OperationCommands.AllServed(disks) => disks,
            _ => throw CommandFailedException.Refused(
                $"{view.Vm}: not all of its disks are served; see `drctl status {view.Vm}`."),
        };
    }
}

using System.CommandLine;
using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.Vault.Replicas;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// <c>drctl replica</c>: reads the replicas in the data directory of a service, without journal and service, and
/// changes nothing in it.
/// </summary>
internal sealed class ReplicaCommands(ClientOptions options, CliSurroundings surroundings)
{
    private const string Latest = "latest";

    private readonly Option<string> _data = new("--data")
    {
        HelpName = "DIR", Description = "The data directory of a stopped service", Required = true,
    };

    private readonly Option<string?> _vm = new("--vm")
    {
        HelpName = "NAME", Description = "The VM (default: all VMs that have a replica)",
    };

    /// <summary>Returns the command with its subcommands.</summary>
    public Command Make() => new(
        "replica", "List, verify and serve replicas read-only, without journal or service")
    {
        List(), Verify(), Serve(),
    };

    private Command List() => Command(
        "list", "List the VMs that have a replica, with their disks and recovery points", [_data, _vm, options.Json],
        (run, _) =>
        {
            using var shared = Share(run);
            var replicas = Replicas(run).Select(ReplicaListing.Of).ToList();
            run.Answer(() => ReplicaPages.Json(replicas), () => ReplicaPages.Lines(replicas));
            return replicas.TrueForAll(r => r.Problem is null) ? ExitCodes.Done
                : run.Fail(replicas.First(r => r.Problem is not null).Problem!);
        });

    private Command Verify()
    {
        var point = Point("The recovery point, or `latest` (default: all points)");
        return Command(
            "verify",
            "Read and check every stored byte of recovery points",
            [_data, _vm, point, options.Json],
            (run, cancellationToken) =>
            {
                using var shared = Share(run);
                var verified = new List<VerifiedPoint>();
                foreach (var replica in Replicas(run))
                {
                    using var store = replica.Open();
                    foreach (var one in Chosen(run, replica, store, run.Parsed.GetValue(point)))
                    {
                        var display = new ReplicaProgress(surroundings, $"{replica.Vm} {one.Id}");
                        var report = store.Verify(one.Id, display, cancellationToken);
                        display.Clear();
                        verified.Add(new VerifiedPoint(replica.Vm, one, report));
                    }
                }

                run.Answer(() => ReplicaPages.Json(verified), () => ReplicaPages.Lines(verified));
                var damaged = verified.Count(v => !v.IsSound);
                return damaged == 0 ? ExitCodes.Done : run.Fail(
                    $"{Readable.Count(damaged, "recovery point")} of {verified.Count} must not be used.");
            });
    }

    private Command Serve()
    {
        var point = Point(
            "The recovery point, `latest` for the newest usable one, or `live` for a failed-over machine (default: "
            + "latest)");
        var socket = new Option<string?>("--socket")
        {
            HelpName = "PATH", Description = "The unix socket to serve on (default: one in a new temporary directory)",
        };
        return Command(
            "serve", "Serve the disks of recovery points read-only over NBD until interrupted",
            [_data, _vm, point, socket, options.Json],
            (run, cancellationToken) =>
            {
                using var shared = Share(run);
                using var exhibition = new ReplicaExhibition(
                    run.Parsed.GetValue(socket) is { } path ? run.Full(path) : null, surroundings.Time);
                foreach (var replica in Chosen(run, run.Parsed.GetValue(point)))
                {
                    exhibition.Show(replica, run.Parsed.GetValue(point) ?? Latest, cancellationToken);
                }

                run.Answer(() => ReplicaPages.Json(exhibition.Disks), () => ReplicaPages.Lines(exhibition.Disks));
                surroundings.Out.Flush();
                cancellationToken.WaitHandle.WaitOne();
                return ExitCodes.Done;
            });
    }

    // The id of a point belongs to one VM; only that VM's replica is chosen.
    private List<ReplicaDirectory> Chosen(JournalRun run, string? point)
    {
        var replicas = Replicas(run);
        if (point is null or Latest || run.Parsed.GetValue(_vm) is not null)
        {
            return replicas;
        }

        var holding = replicas.Where(r => Holds(r, point)).ToList();
        return holding.Count > 0 ? holding
            : throw new CommandFailedException(
                ExitCodes.Refused, $"No replica holds '{point}'; `drctl replica list` shows the recovery points.");
    }

    private static bool Holds(ReplicaDirectory replica, string point)
    {
        using var store = replica.Open();
        return ReplicaExhibition.Holds(store, point);
    }

    private static IEnumerable<RecoveryPoint> Chosen(
        JournalRun run, ReplicaDirectory replica, ReplicaStore store, string? point)
    {
        var found = point switch
        {
            null => store.Points,
            Latest => store.Points.TakeLast(1),
            _ => store.Points.Where(p => ReplicaExhibition.IsNamed(p, point)),
        };
        return found.Any() || point is null or Latest ? found : throw new CommandFailedException(
            ExitCodes.Refused,
            $"The replica of '{replica.Vm}' holds no recovery point '{point}'; `drctl replica list` shows them.");
    }

    private List<ReplicaDirectory> Replicas(JournalRun run)
    {
        var data = run.Full(run.Parsed.GetRequiredValue(_data));
        var all = ReplicaDirectory.In(data).Where(d => d.HasReplica).ToList();
        if (run.Parsed.GetValue(_vm) is not { } vm)
        {
            return all.Count > 0 ? all : throw CommandFailedException.Usage(
                $"'{data}' holds no replica; name the directory given to `drctl serve --data`.");
        }

        return all.Find(d => d.Vm == vm) is { } one ? [one] : throw CommandFailedException.Usage(
            $"'{data}' holds no replica of '{vm}'; it holds {ReplicaPages.Names(all)}.");
    }

    private DataDirectoryLock? Share(JournalRun run) =>
        DataDirectoryLock.Share(run.Full(run.Parsed.GetRequiredValue(_data)));

    private static Option<string?> Point(string description) =>
        new("--point") { HelpName = "ID", Description = description };

    private Command Command(
        string name, string description, IEnumerable<Option> symbols, Func<JournalRun, CancellationToken, int> work)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            command.Options.Add(symbol);
        }

        // Reading a store blocks and must not hold up the handling of Ctrl-C.
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => new JournalRun(parsed, options, surroundings, cancellationToken).Invoke(
                run => work(run, cancellationToken)),
            CancellationToken.None));
        return command;
    }
}

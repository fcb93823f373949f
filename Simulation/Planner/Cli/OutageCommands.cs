using System.CommandLine;
using System.Globalization;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Reports;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Cli;

/// <summary>
/// Creates the commands of <c>drctl simulate</c> that plan for outages: outage, whatif, scenarios and schema.
/// </summary>
public static class OutageCommands
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int Usage = 2;

    /// <summary>Returns all commands that plan for outages.</summary>
    public static IEnumerable<Command> All() => [Outage(), WhatIf(), Scenarios(), Schema()];

    private static Command Outage()
    {
        var scenario = ScenarioArgument();
        var outputs = new OutputOptions();
        var seed = new Option<long?>("--seed") { Description = "The seed to use instead of the scenario's" };
        var logs = new Option<string?>("--logs")
        {
            HelpName = "DIR", Description = "Also write each machine's event log to this directory, one JSON object "
                + "per line",
        };
        var command = new Command("outage", "Run an outage scenario and report its effects")
        {
            scenario, seed, logs,
        };
        outputs.AddTo(command);
        command.SetAction((parsed, cancellationToken) => Guarded(parsed, () =>
        {
            var source = ScenarioLibrary.Open(parsed.GetValue(scenario)!);
            ScenarioChange[] changes = parsed.GetValue(seed) is { } other
                ? [new ScenarioChange("seed", other.ToString(CultureInfo.InvariantCulture))] : [];
            var read = source.Read(changes);
            using var writer = parsed.GetValue(logs) is { } directory ? new LogWriter(directory) : null;
            using var bar = new ProgressLine(parsed.InvocationConfiguration.Error, 1);
            var run = OutageRun.Run(read, bar.Show, writer is null ? null : writer.Write, cancellationToken);
            bar.Dispose();
            outputs.Write(parsed, new Comparison(parsed.GetValue(scenario)!, run, null, [], []));
        }));
        return command;
    }

    private static Command WhatIf()
    {
        var scenario = ScenarioArgument();
        scenario.Arity = ArgumentArity.ZeroOrOne;
        var outputs = new OutputOptions();
        var set = new Option<string[]>("--set")
        {
            HelpName = "PATH=VALUE",
            Description = "A change, such as links.wan.bandwidth=\"1 Gbit/s\" or policies.*.retention=\"7 d\"",
        };
        var log = new Option<string?>("--log")
        {
            HelpName = "FILE", Description = "Use an event log from `drctl log NAME --json` instead of a scenario",
        };
        var save = new Option<string?>("--save-scenario")
        {
            HelpName = "FILE", Description = "With --log: also write the derived scenario to this file",
        };
        var size = new Option<string>("--write-size")
        {
            HelpName = "SIZE", Description = "With --log: the size of one write", DefaultValueFactory = _ => "16 KiB",
        };
        var command = new Command("whatif", "Run a scenario, or a recorded event log, unchanged and with changes")
        {
            scenario, set, log, save, size,
        };
        outputs.AddTo(command);
        command.SetAction((parsed, cancellationToken) => Guarded(parsed, () =>
        {
            var (name, source, notes) = Source(parsed, scenario, new LogOptions(log, save, size));
            var changes = (parsed.GetValue(set) ?? []).Select(ScenarioChange.Parse).ToList();
            if (changes.Count == 0)
            {
                throw new ScenarioException(new Place("whatif", 0, 0), "", "There is no change; add --set "
                    + "PATH=VALUE, such as --set links.0.bandwidth=\"100 Mbit/s\".");
            }

            var (read, changed) = (source.Read(), source.Read(changes));
            using var bar = new ProgressLine(parsed.InvocationConfiguration.Error, 2);
            var run = OutageRun.Run(read, bar.Show, null, cancellationToken);
            bar.Next();
            var other = OutageRun.Run(changed, bar.Show, null, cancellationToken);
            bar.Dispose();
            outputs.Write(parsed, new Comparison(name, run, other, changes, notes));
        }));
        return command;
    }

    private static (string Name, ScenarioSource Source, IReadOnlyList<string> Notes) Source(
        ParseResult parsed, Argument<string?> scenario, LogOptions options)
    {
        var (name, file) = (parsed.GetValue(scenario), parsed.GetValue(options.Log));
        if ((name is null) == (file is null))
        {
            throw new ScenarioException(new Place("whatif", 0, 0), "", "Name either a scenario or, with --log, a "
                + "recorded event log.");
        }

        if (file is null)
        {
            return (name!, ScenarioLibrary.Open(name!), []);
        }

        var typed = parsed.GetValue(options.WriteSize)!;
        if (!Quantity.Size.TryParse(typed, out var size) || size <= 0)
        {
            throw new ScenarioException(
                new Place($"--write-size {typed}", 0, 0), "", $"This is not a size; {Quantity.Size.Remedy}.");
        }

        var recorded = RecordedLog.Read(file, size);
        if (parsed.GetValue(options.Save) is { } target)
        {
            File.WriteAllText(target, recorded.Json);
        }

        return (file, new ScenarioSource(NodeReader.Read(recorded.Json, $"{file} (as a scenario)"), null),
            recorded.Notes);
    }

    private static Command Scenarios()
    {
        var name = new Argument<string?>("NAME")
        {
            Arity = ArgumentArity.ZeroOrOne, Description = "The scenario to print, as a start for your own",
        };
        var command = new Command("scenarios", "List the included scenarios, or print one") { name };
        command.SetAction((parsed, cancellationToken) => Guarded(parsed, () =>
        {
            var output = parsed.InvocationConfiguration.Output;
            if (parsed.GetValue(name) is { } one)
            {
                _ = ScenarioLibrary.Open(one);
                var ready = ScenarioLibrary.Names.Contains(one, StringComparer.Ordinal);
                output.Write(ready ? ScenarioLibrary.TextOf(one) : File.ReadAllText(one));
                return;
            }

            var width = ScenarioLibrary.Names.Max(ready => ready.Length);
            foreach (var known in ScenarioLibrary.Names)
            {
                output.WriteLine($"{known.PadRight(width)}  {ScenarioLibrary.Open(known).Read().Title}");
            }
        }));
        return command;
    }

    private static Command Schema()
    {
        var command = new Command("schema", "Print the JSON schema of scenario files");
        command.SetAction(parsed => parsed.InvocationConfiguration.Output.Write(SchemaWriter.Write()));
        return command;
    }

    private static Argument<string?> ScenarioArgument() => new("SCENARIO")
    {
        Description = "The name of an included scenario (see `scenarios`), or the path of a file",
    };

    private static Task<int> Guarded(ParseResult parsed, Action action)
    {
        var error = parsed.InvocationConfiguration.Error;
        try
        {
            action();
            return Task.FromResult(Done);
        }
        catch (ScenarioException e)
        {
            foreach (var problem in e.Problems)
            {
                error.WriteLine(Words.Plain(problem.ToString()));
            }

            return Task.FromResult(Usage);
        }
        catch (IOException e)
        {
            error.WriteLine(e.Message);
            return Task.FromResult(Failed);
        }
        catch (UnauthorizedAccessException e)
        {
            error.WriteLine(e.Message);
            return Task.FromResult(Failed);
        }
    }

    private sealed record LogOptions(Option<string?> Log, Option<string?> Save, Option<string> WriteSize);

    /// <summary>
    /// Writes the event log of each machine of a run to a file, in the form of <c>drctl log NAME --json</c>.
    /// </summary>
    private sealed class LogWriter : IDisposable
    {
        private readonly Dictionary<string, StreamWriter> _files = new(StringComparer.Ordinal);
        private readonly string _directory;

        public LogWriter(string directory) => _directory = Directory.CreateDirectory(directory).FullName;

        public void Write(string vm, Actors.Journaling.StoredEvent stored)
        {
            if (!_files.TryGetValue(vm, out var file))
            {
                file = new StreamWriter(Path.Combine(_directory, $"{vm}.jsonl"));
                _files.Add(vm, file);
            }

            file.WriteLine(RecordedLog.Line(stored, ProtectedVmCodec.ToJson(stored.Name, stored.Payload)));
        }

        public void Dispose()
        {
            foreach (var file in _files.Values)
            {
                file.Dispose();
            }
        }
    }
}

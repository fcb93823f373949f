using System.CommandLine;
using System.Globalization;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// <c>drctl journal</c>: the commands that read an event log. They use no server: they read the journal of a data
/// directory or database, whose service may run, or an exported file, and modify none of them.
/// </summary>
internal sealed class JournalCommands(ClientOptions options, CliSurroundings surroundings)
{
    private readonly Option<string?> _data = new("--data")
    {
        HelpName = "DIR",
        Description = "The data directory of a service; the service may be running",
    };

    private readonly Option<string?> _file = new("--file")
    {
        HelpName = "F",
        Description = "An exported file, or a copy of a journal",
    };

    private readonly Option<string?> _postgres = new("--postgres")
    {
        HelpName = "CONNECTION",
        Description = "The PostgreSQL database of a service; the service may be running",
    };

    private readonly Option<string?> _archive = new("--archive")
    {
        HelpName = "DIR",
        Description = "With --postgres: the journal's archive, which is 'archive' in the service's data directory; "
            + "required once events have been moved there",
    };

    private readonly Option<bool> _lenient = new("--skip-origins")
    {
        Description = "Do not replay the recorded commands to check that each leads to its events; for logs written "
            + "by a version with different rules",
    };

    /// <summary>Returns the command with its subcommands.</summary>
    public Command Make() => new(
        "journal", "Verify, export, import, show, compare and search event logs")
    {
        Verify(), Export(), Import(), Archive(), Show(), Diff(), Bisect(),
    };

    private Command Verify()
    {
        return Command(
            "verify",
            "Verify a whole event log",
            [_data, _file, _postgres, _archive, _lenient, options.Json],
            run =>
            {
                var (path, verified) = Verified(run, explain: !run.Parsed.GetValue(_lenient));
                run.Answer(() => JournalJson.Of(path, verified), () => JournalPages.Verified(path, verified));
                return verified.Damages is not [var first, ..] ? ExitCodes.Done : run.Fail(
                    $"{path} is damaged in {Readable.Count(verified.Damages.Count, "place")}; the first: {first}.");
            });
    }

    // A log that is too damaged to be opened is reported as damaged, in the same form.
    private (string Path, VerifiedJournal Verified) Verified(JournalRun run, bool explain)
    {
        try
        {
            using var journal = run.Open(_data, _file, _postgres, _archive, evenDamaged: true);
            var verification = new JournalVerification(journal, EntityReplays.OfTheEngine, explain);
            return (journal.Path, run.Watch("verified", verification.Run));
        }
        catch (Exception e) when (e is JournalCorruptException or ExportDamagedException)
        {
            var path = run.Parsed.GetValue(_postgres) is not null ? "The database"
                : run.Full(run.Parsed.GetValue(_file)
                    ?? Path.Combine(run.Parsed.GetValue(_data)!, RecordedJournal.FileName));
            return (path, new VerifiedJournal(0, [], [JournalDamage.Of(DamageKind.File, e.Message)]));
        }
    }

    private Command Export()
    {
        var target = new Option<string>("--out")
        {
            HelpName = "F", Description = "The file to create", Required = true,
        };
        var names = new Argument<string[]>("NAME")
        {
            Arity = ArgumentArity.ZeroOrMore, Description = "The VMs to export (default: all)",
        };
        return Command(
            "export", "Export a log to a file that can be archived, compared and imported",
            [names, target, _data, _file, _postgres, _archive, options.Json],
            run =>
            {
                using var journal = run.Open(_data, _file, _postgres, _archive);
                var streams = (run.Parsed.GetValue(names) ?? []).Select(journal.Find).ToList();
                var export = new JournalExport(journal, streams);
                var path = run.Full(run.Parsed.GetRequiredValue(target));
                var events = run.Watch("exported", (progress, ct) => export.Write(path, progress, ct));
                var count = streams.Count == 0 ? journal.Streams.Count : streams.Distinct().Count();
                run.Answer(
                    () => JournalJson.Transferred(path, events, count),
                    () => [$"{Readable.Count(events, "event")} of {Readable.Count(count, "stream")} are in {path}."]);
                return ExitCodes.Done;
            });
    }

    private Command Import()
    {
        var from = new Option<string>("--file")
        {
            HelpName = "F", Description = "The exported file, or a copy of a journal", Required = true,
        };
        var into = new Option<string>("--data")
        {
            HelpName = "DIR", Description = "A data directory without a journal", Required = true,
        };
        var soundPart = new Option<bool>("--sound-part")
        {
            Description = "From a damaged file, import the part of each stream that precedes its first damage, and "
                + "list what is omitted",
        };
        return Command(
            "import", "Create a new journal from an exported file; an existing journal is never changed",
            [from, into, soundPart, _lenient, options.Json],
            run =>
            {
                var (file, directory) = (
                    run.Parsed.GetRequiredValue(from), run.Full(run.Parsed.GetRequiredValue(into)));
                var part = run.Parsed.GetValue(soundPart)
                    ? SoundPart(run, file, directory) : Whole(run, file, directory);
                var path = Path.Combine(directory, RecordedJournal.FileName);
                run.Answer(() => JournalJson.Imported(path, part), () => JournalPages.Imported(path, part));
                return ExitCodes.Done;
            });
    }

    private Command Archive()
    {
        var age = new Option<TimeSpan>("--older-than")
        {
            HelpName = "DAYS",
            Description = "Move events older than this many days (default: 30)",
            DefaultValueFactory = _ => ServeOptions.DefaultArchiveAfter,
            CustomParser = result =>
            {
                if (!InputText.TryDays(result.Tokens[0].Value, out var days))
                {
                    result.AddError($"'{result.Tokens[0].Value}' is not an age; write a number of days such as 30.");
                }

                return days;
            },
        };
        var atLeast = new Option<int>("--at-least")
        {
            HelpName = "N",
            Description = "Skip VMs with fewer than N such events (default: 2000)",
            DefaultValueFactory = _ => 2_000,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) || number < 1)
                {
                    result.AddError($"'{text}' is not a number of events; write 1 or more, such as 2000.");
                }

                return number;
            },
        };
        var stopped = new Option<string?>("--data")
        {
            HelpName = "DIR", Description = "The data directory of a stopped service",
        };
        return Command(
            "archive",
            "Move old events of a stopped service to its archive",
            [stopped, _postgres, _archive, age, atLeast, options.Json],
            run =>
            {
                var (left, most) = (run.Parsed.GetValue(age), run.Parsed.GetValue(atLeast));
                var before = surroundings.Time.GetUtcNow() - left;
                var (path, done) = run.Archive(stopped, _postgres, _archive, before, most);
                run.Answer(() => JournalJson.Archived(path, done), () => JournalPages.Archived(path, done));
                return done.Left is [var first, ..] ? run.Fail(first) : ExitCodes.Done;
            });
    }

    private static ImportedPart Whole(JournalRun run, string file, string directory)
    {
        using var journal = run.OpenPath(file);
        var events = run.Watch(
            "imported", (progress, ct) => JournalImport.Run(journal, directory, progress, ct));
        return new ImportedPart(events, journal.Streams.Count, []);
    }

    private ImportedPart SoundPart(JournalRun run, string file, string directory)
    {
        using var journal = run.OpenPath(file, evenDamaged: true);
        var explain = !run.Parsed.GetValue(_lenient);
        return run.Watch("verified and imported", (progress, ct) => JournalImport.RunSoundPart(
            journal, directory, EntityReplays.OfTheEngine, explain, progress, ct));
    }

    private Command Show()
    {
        var name = Name();
        var at = new Option<string>("--at")
        {
            HelpName = "SEQ|TIME",
            Description = "An event number, or a time such as 2026-01-31T12:00:00Z",
            Required = true,
        };
        return Command(
            "show", "Show a VM's state after an event or at a time",
            [name, at, _data, _file, _postgres, _archive, options.Json],
            run =>
            {
                using var journal = run.Open(_data, _file, _postgres, _archive);
                var id = journal.Find(run.Parsed.GetRequiredValue(name));
                var replay = At(journal, id, run.Parsed.GetRequiredValue(at));
                run.Answer(() => JournalJson.Of(replay), () => JournalPages.State(replay));
                return ExitCodes.Done;
            });
    }

    private Command Diff()
    {
        var left = new Argument<string>("A") { Description = "An exported file, a journal's file or a data directory" };
        var right = new Argument<string>("B") { Description = "The log to compare with A, given the same way" };
        return Command(
            "diff",
            "Find the first event in each stream in which two logs differ",
            [left, right, options.Json],
            run =>
            {
                using var a = run.OpenPath(run.Parsed.GetRequiredValue(left));
                using var b = run.OpenPath(run.Parsed.GetRequiredValue(right));
                var streams = run.Watch("compared", new JournalDiff(a, b, EntityReplays.OfTheEngine).Run);
                run.Answer(() => JournalJson.Of(a.Path, b.Path, streams), () => JournalPages.Difference(streams));
                var different = streams.Count(stream => stream.Relation != StreamRelation.Equal);
                return different == 0 ? ExitCodes.Done : run.Fail(
                    $"The logs differ in {different} of {Readable.Count(streams.Count, "stream")}.");
            });
    }

    private Command Bisect()
    {
        var name = Name();
        var when = new Option<string>("--when")
        {
            HelpName = "CONDITION",
            Description = "A condition on the state's JSON, such as 'phase == \"commitPending\"', "
                + "'points.count > 3' or 'health == \"critical\" and not replication.paused'",
            Required = true,
        };
        return Command(
            "bisect",
            "Find the first event after which a condition holds",
            [name, when, _data, _file, _postgres, _archive, options.Json],
            run =>
            {
                var condition = StateCondition.Parse(run.Parsed.GetRequiredValue(when));
                using var journal = run.Open(_data, _file, _postgres, _archive);
                var id = journal.Find(run.Parsed.GetRequiredValue(name));
                var found = run.Watch("searched", (progress, ct) =>
                    new JournalBisect(journal, EntityReplays.OfTheEngine).Run(id, condition, progress, ct));
                run.Answer(() => JournalJson.Of(condition, found), () => JournalPages.Found(condition, found));
                return found.First is not null ? ExitCodes.Done
                    : run.Fail($"'{condition.Text}' holds after none of {Readable.Count(found.Events, "event")}.");
            });
    }

    private static StreamReplay At(RecordedJournal journal, Engine.Kernel.PersistenceId id, string at)
    {
        if (long.TryParse(at, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var sequence))
        {
            return StreamReplay.At(journal, id, sequence, EntityReplays.OfTheEngine);
        }

        return DateTimeOffset.TryParse(
            at, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time)
            ? StreamReplay.At(journal, id, time, EntityReplays.OfTheEngine)
            : throw CommandFailedException.Usage(
                $"'{at}' is neither a sequence number nor a time; give a number, or a time such as "
                    + "2026-01-31T12:00:00Z.");
    }

    private static Argument<string> Name() => new("NAME") { Description = "The VM's name, or a stream's full id" };

    private Command Command(string name, string description, IEnumerable<Symbol> symbols, Func<JournalRun, int> work)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        // Reading a log is processor-bound and must not block the handling of Ctrl-C.
        command.SetAction((parsed, cancellationToken) => Task.Run(
            () => new JournalRun(parsed, options, surroundings, cancellationToken).Invoke(work),
            CancellationToken.None));
        return command;
    }
}

using System.CommandLine;
using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Vault.Cli;

/// <summary>A run of a command on a log: the parsed command line, the log, and the writing of results.</summary>
internal sealed class JournalRun(
    ParseResult parsed, ClientOptions options, CliSurroundings surroundings, CancellationToken cancellationToken)
{
    /// <summary>The parsed command line.</summary>
    public ParseResult Parsed => parsed;

    /// <summary>Runs the work and turns failures into exit codes.</summary>
    public int Invoke(Func<JournalRun, int> work)
    {
        try
        {
            return work(this);
        }
        catch (CommandFailedException e)
        {
            return Fail(e.Message, e.ExitCode);
        }
        catch (ConditionException e)
        {
            return Fail(e.Message, ExitCodes.Usage);
        }
        catch (Exception e) when (e is ReplayRefusedException or ReplayException or ExportDamagedException
            or JournalCorruptException or JournalUnavailableException or JournalInUseException or IOException
            or UnauthorizedAccessException)
        {
            return Fail(e.Message);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return Fail("Interrupted.", ExitCodes.Interrupted);
        }
    }

    /// <summary>
    /// Opens the log that <c>--data</c>, <c>--file</c> or <c>--postgres</c> names; exactly one of them is required.
    /// </summary>
    public RecordedJournal Open(
        Option<string?> data, Option<string?> file, Option<string?> postgres, Option<string?> archive,
        bool evenDamaged = false)
    {
        var (directory, path, connection) = (
            parsed.GetValue(data), parsed.GetValue(file), parsed.GetValue(postgres));
        if (new[] { directory, path, connection }.Count(named => named is not null) != 1)
        {
            throw CommandFailedException.Usage("Name one log: --data DIR, --file F, or --postgres CONNECTION.");
        }

        if (connection is not null)
        {
            return Opened(() => RecordedJournal.OpenPostgres(connection, ArchiveOf(archive)));
        }

        if (parsed.GetValue(archive) is not null)
        {
            throw CommandFailedException.Usage(
                "--archive requires --postgres: the archive of a journal file is in the same directory.");
        }

        return Opened(() => directory is not null
            ? evenDamaged && Directory.Exists(Full(directory))
                ? RecordedJournal.OpenDamaged(Full(directory)) : RecordedJournal.OpenStore(Full(directory))
            : evenDamaged ? RecordedJournal.OpenDamaged(Full(path!))
            : RecordedJournal.Open(Full(path!)));
    }

    /// <summary>Moves old events out of the journal that <c>--data</c> or <c>--postgres</c> names.</summary>
    /// <returns>The archive's directory, and the events moved.</returns>
    public (string Archive, ArchivedEvents Done) Archive(
        Option<string?> data, Option<string?> postgres, Option<string?> archive, DateTimeOffset before, int atLeast)
    {
        var (directory, connection, named) = (parsed.GetValue(data), parsed.GetValue(postgres), ArchiveOf(archive));
        if ((directory is null) == (connection is null) || (connection is null) != (named is null))
        {
            throw CommandFailedException.Usage(
                "Name one journal: --data DIR, or --postgres CONNECTION with --archive DIR.");
        }

        return connection is not null
            ? (named!, Wait(JournalArchive.RunOnDatabaseAsync(connection, named!, before, atLeast, cancellationToken)))
            : (Path.Combine(Full(directory!), JournalArchive.DirectoryName),
                Wait(JournalArchive.RunAsync(Full(directory!), before, atLeast, cancellationToken)));
    }

    /// <summary>Opens the log at a path.</summary>
    public RecordedJournal OpenPath(string path, bool evenDamaged = false) => Opened(
        () => evenDamaged ? RecordedJournal.OpenDamaged(Full(path)) : RecordedJournal.Open(Full(path)));

    /// <summary>Returns an absolute path.</summary>
    public string Full(string path) => path.Length > 0
        ? Path.GetFullPath(path, surroundings.CurrentDirectory)
        : throw CommandFailedException.Usage("'' is not a path; name a file or directory.");

    /// <summary>Runs long work and shows its progress on stderr.</summary>
    public T Watch<T>(string done, Func<Action<ReplayProgress>, CancellationToken, T> work)
    {
        var display = new JournalProgress(surroundings, done);
        try
        {
            return work(display.Show, cancellationToken);
        }
        finally
        {
            display.Clear();
        }
    }

    /// <summary>Writes the result: one line of JSON, or lines of text.</summary>
    public void Answer(Func<JsonObject> json, Func<IEnumerable<string>> lines)
    {
        foreach (var line in parsed.GetValue(options.Json) ? [JournalJson.Line(json())] : lines())
        {
            surroundings.Out.WriteLine(Readable.Plain(line));
        }
    }

    /// <summary>Prints the reason why the command failed, and returns the exit code.</summary>
    public int Fail(string sentence, int exitCode = ExitCodes.Refused)
    {
        surroundings.Error.WriteLine(Readable.Plain(sentence));
        return exitCode;
    }

    private string? ArchiveOf(Option<string?> archive) => parsed.GetValue(archive) is { } path ? Full(path) : null;

    private static T Wait<T>(Task<T> work) => work.GetAwaiter().GetResult();

    // A log that does not exist is a wrong command line: `verify` must not report it as a damaged log.
    private static RecordedJournal Opened(Func<RecordedJournal> open)
    {
        try
        {
            return open();
        }
        catch (ReplayRefusedException e)
        {
            throw CommandFailedException.Usage(e.Message);
        }
    }
}

using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// A log opened for reading: the journal of a service, which may be running, or an exported file. The log is never
/// changed, and its content is not verified: see <see cref="JournalVerification"/>. A growing journal is read as it was
/// when it was opened. Not thread-safe.
/// </summary>
public abstract class RecordedJournal : IDisposable
{
    /// <summary>The name of the journal's file in a service's data directory.</summary>
    public const string FileName = "journal.db";

    private protected RecordedJournal(string path) => Path = path;

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The number of events, if none is missing.</summary>
    public abstract long EventCount { get; }

    /// <summary>Whether the log has all streams of a journal, so that its feed has no gaps.</summary>
    public abstract bool IsWhole { get; }

    /// <summary>The streams, ordered by type, vault and entity (ordinal).</summary>
    public abstract IReadOnlyList<PersistenceId> Streams { get; }

    /// <summary>The stored snapshots, in the order of <see cref="Streams"/> and of their numbers.</summary>
    public abstract IReadOnlyList<RecordedSnapshot> Snapshots { get; }

    /// <summary>
    /// Returns the event after which the log's part of a stream begins. Earlier events are stored elsewhere.
    /// </summary>
    public virtual StreamHead BeginsBehind(PersistenceId id) => StreamHead.Start;

    /// <summary>Returns the end of a stream as declared by the log; null when the log declares none.</summary>
    public abstract StreamHead? DeclaredHead(PersistenceId id);

    /// <summary>Returns all events in the order of the feed.</summary>
    /// <exception cref="JournalCorruptException">The rest of the file cannot be read.</exception>
    public abstract IEnumerable<RecordedEvent> ReadAll();

    /// <summary>Returns the events of one stream in the order of the feed.</summary>
    /// <exception cref="JournalCorruptException">The rest of the file cannot be read.</exception>
    public abstract IEnumerable<RecordedEvent> Read(PersistenceId id);

    /// <summary>Returns all readable events in the order of the feed and skips damage.</summary>
    /// <param name="lost">Called for each location where nothing can be read.</param>
    public virtual IEnumerable<RecordedEvent> ReadWhatIsLeft(Action<JournalDamage> lost) => ReadAll();

    /// <summary>Returns damage of the file and its tables that is not in any event.</summary>
    public abstract IEnumerable<JournalDamage> CheckStore();

    /// <summary>Checks that all data of a stream outside the log's own tables exists and is intact.</summary>
    /// <exception cref="JournalCorruptException">A file of the log's archive is missing or damaged.</exception>
    public virtual void RequireWhole(PersistenceId id)
    {
        // A log of one part is opened whole or not at all.
    }

    /// <summary>Returns the number of each stream's last event, from the events themselves.</summary>
    /// <exception cref="JournalCorruptException">The file cannot be read.</exception>
    public virtual IReadOnlyDictionary<PersistenceId, long> Ends() => ReadAll().GroupBy(recorded => recorded.Id)
        .ToDictionary(stream => stream.Key, stream => stream.Max(recorded => recorded.Event.Sequence));

    /// <summary>
    /// Runs the cheap part of a verification: whether the tables are as required and the end of the feed exists. Its
    /// cost does not depend on the number of events.
    /// </summary>
    public virtual IEnumerable<JournalDamage> CheckEnd() => [];

    /// <summary>Opens the log at a path: an export, a journal's file, or a service's data directory.</summary>
    /// <exception cref="ReplayRefusedException">The path has no log.</exception>
    /// <exception cref="ExportDamagedException">The log is a damaged export.</exception>
    /// <exception cref="JournalUnavailableException">The log cannot be opened.</exception>
    public static RecordedJournal Open(string path)
    {
        if (Directory.Exists(path))
        {
            return OpenStore(path);
        }

        if (!File.Exists(path))
        {
            throw new ReplayRefusedException($"There is no file {path}; name an export or a data directory.");
        }

        return RecordedSqliteJournal.IsSqlite(path)
            ? RecordedSqliteJournal.Open(path) : ExportedJournal.OpenWhole(path);
    }

    /// <summary>
    /// Opens a log like <see cref="Open"/>, even when it is damaged, to verify it or to save what is left.
    /// </summary>
    /// <exception cref="ReplayRefusedException">The path has no log.</exception>
    /// <exception cref="ExportDamagedException">The log is an export whose header cannot be read.</exception>
    /// <exception cref="JournalCorruptException">The log is a journal whose tables cannot be found.</exception>
    public static RecordedJournal OpenDamaged(string path)
    {
        var file = Directory.Exists(path) ? System.IO.Path.Combine(path, FileName) : path;
        if (!File.Exists(file))
        {
            return Open(path);
        }

        return file != path || RecordedSqliteJournal.IsSqlite(file)
            ? RecordedSqliteJournal.Open(file, evenDamaged: true) : ExportedJournal.OpenAsItIs(file);
    }

    /// <summary>Opens the journal of a service in its PostgreSQL database.</summary>
    /// <param name="connection">The connection string.</param>
    /// <param name="archive">The directory of the archive; required when events were moved there.</param>
    /// <exception cref="ReplayRefusedException">The connection string is invalid, or the archive is not
    /// given.</exception>
    /// <exception cref="JournalUnavailableException">The database does not respond or is not the engine's.</exception>
    public static RecordedJournal OpenPostgres(string connection, string? archive = null) =>
        RecordedPostgresJournal.OfDatabase(connection, archive);

    /// <summary>Opens the journal of a service by its data directory.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="alone">Whether the caller holds the directory's lock; if not, the service may be running.</param>
    /// <exception cref="ReplayRefusedException">The directory has no journal.</exception>
    /// <exception cref="JournalUnavailableException">The journal cannot be opened.</exception>
    public static RecordedJournal OpenStore(string directory, bool alone = false)
    {
        var file = System.IO.Path.Combine(directory, FileName);
        return File.Exists(file)
            ? RecordedSqliteJournal.Open(file, alone)
            : throw new ReplayRefusedException(
                $"There is no journal in {directory}; name the directory given to `drctl serve --data`.");
    }

    /// <summary>
    /// Returns the stream with a name: the complete id <c>type|vault|entity</c>, or the entity's name if it is unique.
    /// </summary>
    /// <exception cref="ReplayRefusedException">No stream or more than one stream matches.</exception>
    public PersistenceId Find(string name)
    {
        var found = Streams.Where(id => id.ToString() == name || id.Entity == name).ToList();
        return found switch
        {
            [var one] => one,
            [] => throw new ReplayRefusedException($"There is no '{name}' in {Path}; it contains {Some(Streams)}."),
            _ => throw new ReplayRefusedException($"'{name}' is ambiguous: {Some(found)}; give the full id."),
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes the file.</summary>
    protected abstract void Dispose(bool disposing);

    private protected static IOrderedEnumerable<PersistenceId> InOrder(IEnumerable<PersistenceId> ids) => ids
        .OrderBy(id => id.Type, StringComparer.Ordinal)
        .ThenBy(id => id.Vault.Value, StringComparer.Ordinal)
        .ThenBy(id => id.Entity, StringComparer.Ordinal);

    private static string Some(IReadOnlyList<PersistenceId> ids) => ids.Count == 0
        ? "no streams"
        : string.Join(", ", ids.Take(8)) + (ids.Count > 8 ? $" and {ids.Count - 8} more" : "");
}

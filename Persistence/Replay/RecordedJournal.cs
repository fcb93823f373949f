using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// A log to be looked at: the journal of a service, which may run meanwhile, or an exported file. It never changes what
/// it reads, and what it gives is not verified: see <see cref="JournalVerification"/>. A journal that grows is read as
/// it was when it was opened. For one thread.
/// </summary>
public abstract class RecordedJournal : IDisposable
{
    /// <summary>The name of the journal's file in a service's data directory.</summary>
    public const string FileName = "journal.db";

    private protected RecordedJournal(string path) => Path = path;

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>How many events it holds if none is missing.</summary>
    public abstract long EventCount { get; }

    /// <summary>Whether all streams of a journal are here, so that the feed has no gaps.</summary>
    public abstract bool IsWhole { get; }

    /// <summary>The streams, ordered by type, vault and entity (ordinal).</summary>
    public abstract IReadOnlyList<PersistenceId> Streams { get; }

    /// <summary>The stored snapshots, in the order of <see cref="Streams"/> and of their numbers.</summary>
    public abstract IReadOnlyList<RecordedSnapshot> Snapshots { get; }

    /// <summary>
    /// Behind which event the log's part of a stream begins; what comes before that lies elsewhere.
    /// </summary>
    public virtual StreamHead BeginsBehind(PersistenceId id) => StreamHead.Start;

    /// <summary>Where the log itself says that a stream ends; null when it says nothing.</summary>
    public abstract StreamHead? DeclaredHead(PersistenceId id);

    /// <summary>All events in the order of the feed.</summary>
    /// <exception cref="JournalCorruptException">The file cannot be read on.</exception>
    public abstract IEnumerable<RecordedEvent> ReadAll();

    /// <summary>The events of one stream in the order of the feed.</summary>
    /// <exception cref="JournalCorruptException">The file cannot be read on.</exception>
    public abstract IEnumerable<RecordedEvent> Read(PersistenceId id);

    /// <summary>All events that can be read at all, in the order of the feed, past whatever is damaged.</summary>
    /// <param name="lost">Is told of each place where nothing can be read.</param>
    public virtual IEnumerable<RecordedEvent> ReadWhatIsLeft(Action<JournalDamage> lost) => ReadAll();

    /// <summary>What is wrong with the file and its tables, as far as it lies in no event.</summary>
    public abstract IEnumerable<JournalDamage> CheckStore();

    /// <summary>
    /// Returns when everything that a stream consists of is there and sound, as far as that lies outside the log's own
    /// tables.
    /// </summary>
    /// <exception cref="JournalCorruptException">A file of the log's archive is missing or damaged.</exception>
    public virtual void RequireWhole(PersistenceId id)
    {
        // A log of one part is opened whole or not at all.
    }

    /// <summary>The number of each stream's last event, from the events themselves.</summary>
    /// <exception cref="JournalCorruptException">The file cannot be read.</exception>
    public virtual IReadOnlyDictionary<PersistenceId, long> Ends() => ReadAll().GroupBy(recorded => recorded.Id)
        .ToDictionary(stream => stream.Key, stream => stream.Max(recorded => recorded.Event.Sequence));

    /// <summary>
    /// The cheap part of a verification: whether the tables are as they must be and the end of the feed is there. Its
    /// cost does not follow the number of events.
    /// </summary>
    public virtual IEnumerable<JournalDamage> CheckEnd() => [];

    /// <summary>Opens what lies at a path: an export, a journal's file, or a service's data directory.</summary>
    /// <exception cref="ReplayRefusedException">There is no log.</exception>
    /// <exception cref="ExportDamagedException">It is an export that is damaged.</exception>
    /// <exception cref="JournalUnavailableException">It cannot be opened.</exception>
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
    /// As <see cref="Open"/>, but what is damaged is opened all the same, to be verified or for what is left of it.
    /// </summary>
    /// <exception cref="ReplayRefusedException">There is no log.</exception>
    /// <exception cref="ExportDamagedException">It is an export whose header cannot be read.</exception>
    /// <exception cref="JournalCorruptException">It is a journal whose tables cannot be found.</exception>
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

    /// <summary>Opens the journal of a service by its database.</summary>
    /// <param name="connection">The connection string.</param>
    /// <param name="archive">The directory of its archive; needed when events were moved there.</param>
    /// <exception cref="ReplayRefusedException">The connection string cannot be read, or the archive is not
    /// named.</exception>
    /// <exception cref="JournalUnavailableException">The database does not answer, or is not the engine's.</exception>
    public static RecordedJournal OpenPostgres(string connection, string? archive = null) =>
        RecordedPostgresJournal.OfDatabase(connection, archive);

    /// <summary>Opens the journal of a service by its data directory.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="alone">Whether the caller holds the directory; without it, the service may run.</param>
    /// <exception cref="ReplayRefusedException">There is no journal.</exception>
    /// <exception cref="JournalUnavailableException">It cannot be opened.</exception>
    public static RecordedJournal OpenStore(string directory, bool alone = false)
    {
        var file = System.IO.Path.Combine(directory, FileName);
        return File.Exists(file)
            ? RecordedSqliteJournal.Open(file, alone)
            : throw new ReplayRefusedException(
                $"There is no journal in {directory}; name the directory given to `drctl serve --data`.");
    }

    /// <summary>
    /// The stream that a name means: the whole id <c>type|vault|entity</c>, or the entity's name if only one has it.
    /// </summary>
    /// <exception cref="ReplayRefusedException">There is none, or several.</exception>
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

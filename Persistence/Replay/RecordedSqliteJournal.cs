using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// The SQLite journal without its archive, opened read-only. It is seen as it was when it was opened, and a running
/// service is not blocked.
/// </summary>
internal sealed class RecordedSqliteJournal : RecordedJournal
{
    private const int Slice = 2_048;
    private const int SmallestRow = 64;
    private const string Counter = "SELECT seq FROM sqlite_sequence WHERE name='journal'";
    private const string Columns = $"ordering, {RecordedRows.EventColumns}";

    private readonly ReadOnlyDatabase _database;
    private readonly SqliteCommand _readSlice;
    private readonly SqliteCommand _readOne;
    private readonly RecordedRows _rows = new();
    private readonly List<JournalDamage> _damages = [];
    private readonly IReadOnlyList<PersistenceId> _streams = [];
    private readonly IReadOnlyList<RecordedSnapshot> _snapshots = [];
    private readonly IReadOnlyList<ArchivePart> _parts = [];
    private readonly long _last;

    /// <summary>Opens a journal together with its archive.</summary>
    /// <inheritdoc cref="RecordedSqliteJournal(string, bool, bool)"/>
    public static RecordedJournal Open(string path, bool alone = false, bool evenDamaged = false)
    {
        var journal = new RecordedSqliteJournal(path, alone, evenDamaged);
        return journal._parts.Count == 0
            ? journal : new ArchivedJournal(journal, journal._parts, ArchiveDirectory.Beside(path), inPlace: true);
    }

    /// <summary>Opens a journal without its archive.</summary>
    /// <param name="path">The path of the file.</param>
    /// <param name="alone">Whether no other process writes the file; then no files are created next to it unless they
    /// are needed.</param>
    /// <param name="evenDamaged">Whether to open a damaged file, whose damage <see cref="CheckStore"/> then
    /// reports.</param>
    private RecordedSqliteJournal(string path, bool alone = false, bool evenDamaged = false)
        : base(path)
    {
        _database = ReadOnlyDatabase.Open(path, alone);
        try
        {
            RequireJournal();
            _database.Hold();
            _last = Try(evenDamaged, "the end of its feed", ReadLast, () => Math.Min(
                _database.Number(Counter) ?? 0, new FileInfo(path).Length / SmallestRow));
            _streams = Try(evenDamaged, "the list of its streams", ReadStreams, () => []);
            _snapshots = Try(evenDamaged, "its snapshots", ReadSnapshots, () => []);
            _parts = Try(evenDamaged, "the list of its archive", ReadParts, () => []);
            _readSlice = _database.Prepare(
                $"SELECT {Columns} FROM journal WHERE ordering>$1 AND ordering<=$2 ORDER BY ordering LIMIT {Slice}", 2);
            _readOne = _database.Prepare($"SELECT {Columns} FROM journal WHERE ordering=$1", 1);
        }
        catch (SqliteException exception)
        {
            _database.Dispose();
            throw ReadOnlyDatabase.Translate(path, exception);
        }
        catch (ReplayRefusedException)
        {
            _database.Dispose();
            throw;
        }
    }

    public override long EventCount => _last;

    public override bool IsWhole => true;

    public override IReadOnlyList<PersistenceId> Streams => _streams;

    public override IReadOnlyList<RecordedSnapshot> Snapshots => _snapshots;

    /// <summary>Whether a file begins like a SQLite file.</summary>
    public static bool IsSqlite(string path)
    {
        if (RegularFile.IsMissing(path))
        {
            return false;
        }

        Span<byte> start = stackalloc byte[16];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && start.SequenceEqual("SQLite format 3\0"u8);
    }

    // The file records the end of a stream only by its last row.
    public override StreamHead? DeclaredHead(PersistenceId id) => null;

    public override IEnumerable<RecordedEvent> ReadAll()
    {
        for (var after = 0L; ;)
        {
            var slice = ReadSlice(after);
            foreach (var recorded in slice)
            {
                yield return recorded;
            }

            if (slice.Count < Slice)
            {
                yield break;
            }

            after = slice[^1].Position.Value;
        }
    }

    public override IEnumerable<RecordedEvent> Read(PersistenceId id)
    {
        foreach (var position in _database.Guard(() => _database.Rows(
            "SELECT ordering FROM journal WHERE persistence_id=$1 AND ordering<=$2 ORDER BY ordering",
            row => row.GetInt64(0), _rows.TextOf(id), _last)))
        {
            if (ReadOne(position) is { } recorded)
            {
                yield return recorded;
            }
        }
    }

    public override IEnumerable<RecordedEvent> ReadWhatIsLeft(Action<JournalDamage> lost)
    {
        for (var after = 0L; after < _last;)
        {
            var (slice, to) = SliceOrWhatIsLeft(after, lost);
            foreach (var recorded in slice)
            {
                yield return recorded;
            }

            after = to;
        }
    }

    public override IEnumerable<JournalDamage> CheckStore() => _damages.Concat(Check(check => check.Run()));

    public override IEnumerable<JournalDamage> CheckEnd() => Check(check => check.RunAtEnd());

    // Each step to the next stream is one lookup in the index of the streams.
    public override IReadOnlyDictionary<PersistenceId, long> Ends() => _database.Guard(() => _database.Rows(
        """
        WITH RECURSIVE streams(id) AS (
          SELECT min(persistence_id) FROM journal
          UNION ALL
          SELECT (SELECT min(persistence_id) FROM journal WHERE persistence_id>id) FROM streams WHERE id IS NOT NULL)
        SELECT id, (SELECT max(sequence_number) FROM journal WHERE persistence_id=id) FROM streams
        WHERE id IS NOT NULL
        """,
        row => (Id: _rows.IdOf(row.GetString(0)), End: row.GetInt64(1))).ToDictionary(row => row.Id, row => row.End));

    protected override void Dispose(bool disposing) => _database.Dispose();

    private void RequireJournal()
    {
        try
        {
            SqliteJournalSchema.Check(_database.Connection, Path);
        }
        catch (JournalUnavailableException exception)
        {
            throw new ReplayRefusedException(exception.Message);
        }
    }

    private T Try<T>(bool evenDamaged, string what, Func<T> read, Func<T> otherwise)
    {
        try
        {
            return read();
        }
        catch (SqliteException exception) when (evenDamaged)
        {
            var damage = ReadOnlyDatabase.Translate(Path, exception);
            _damages.Add(JournalDamage.Of(DamageKind.File, $"{what} cannot be read: {damage.Message.TrimEnd('.')}"));
            return otherwise();
        }
    }

    private long ReadLast() => _database.Number("SELECT max(ordering) FROM journal") ?? 0;

    private IReadOnlyList<ArchivePart> ReadParts() => SqliteJournalSchema.HasArchive(_database.Connection)
        ? _database.Rows(ArchivePart.All, ArchivePart.Read) : [];

    private List<PersistenceId> ReadStreams() =>
        [.. InOrder(_database.Rows(
            "SELECT DISTINCT persistence_id FROM journal", row => _rows.IdOf(RecordedRows.Text(row, 0))))];

    private List<RecordedSnapshot> ReadSnapshots()
    {
        var snapshots = _database.Rows(RecordedRows.AllSnapshots, _rows.Snapshot).ToLookup(snapshot => snapshot.Id);
        return [.. InOrder(snapshots.Select(stream => stream.Key))
            .SelectMany(id => snapshots[id].OrderBy(snapshot => snapshot.Sequence))];
    }

    private IReadOnlyList<JournalDamage> Check(Func<SqliteFileCheck, IReadOnlyList<JournalDamage>> run)
    {
        try
        {
            return run(new SqliteFileCheck(_database));
        }
        catch (SqliteException exception)
        {
            return [JournalDamage.Of(DamageKind.File, ReadOnlyDatabase.Translate(Path, exception).Message)];
        }
    }

    private List<RecordedEvent> ReadSlice(long after) =>
        _database.Guard(() => ReadOnlyDatabase.Rows(_readSlice, _rows.Event, after, _last));

    private RecordedEvent? ReadOne(long position) =>
        _database.Guard(() => ReadOnlyDatabase.Rows(_readOne, _rows.Event, position)).FirstOrDefault();

    // When a page cannot be read, each of its rows is reported missing on its own, and rows of other pages are found.
    private (IReadOnlyList<RecordedEvent> Events, long To) SliceOrWhatIsLeft(long after, Action<JournalDamage> lost)
    {
        try
        {
            var slice = ReadSlice(after);
            return (slice, slice.Count < Slice ? _last : slice[^1].Position.Value);
        }
        catch (JournalCorruptException)
        {
            var (left, to) = (new List<RecordedEvent>(), Math.Min(_last, after + Slice));
            for (var position = after + 1; position <= to; position++)
            {
                ReadOneOrLose(position, left, lost);
            }

            return (left, to);
        }
    }

    private void ReadOneOrLose(long position, List<RecordedEvent> left, Action<JournalDamage> lost)
    {
        try
        {
            if (ReadOne(position) is { } recorded)
            {
                left.Add(recorded);
            }
        }
        catch (JournalCorruptException exception)
        {
            lost(new JournalDamage(
                DamageKind.File, null, null, null, position,
                $"the event at position {position} of the feed cannot be read: {exception.Message.TrimEnd('.')}"));
        }
    }
}

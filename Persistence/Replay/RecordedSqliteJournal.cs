using System.Globalization;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Sqlite;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// The SQLite journal, opened for reading only. It reads the events up to the position that was last when it was
/// opened; since events are only ever added, a service that goes on writing changes nothing of what is read.
/// </summary>
internal sealed class RecordedSqliteJournal : RecordedJournal
{
    private const int Slice = 2_048;
    private const string Columns =
        "position, stream, sequence, name, payload, time, actor, command, hash, wake_due, owes";

    private readonly SqliteDatabase _database;
    private readonly SqliteStatement _readSlice;
    private readonly SqliteStatement _readOne;
    private readonly Dictionary<long, PersistenceId> _ids = [];
    private readonly Dictionary<PersistenceId, StreamHead> _heads = [];
    private readonly long _last;
    private Dictionary<long, List<long>>? _places;

    /// <summary>Opens it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="alone">Nobody writes it meanwhile: where nothing but the file is needed, nothing is made beside
    /// it.</param>
    public RecordedSqliteJournal(string path, bool alone = false)
        : base(path)
    {
        _database = alone && new FileInfo(path + "-wal") is not { Exists: true, Length: > 0 }
            ? new SqliteDatabase(path, readOnly: true, immutable: true) : OpenReadOnly(path);
        try
        {
            RequireJournal();
            _database.Execute("BEGIN");
            _last = Number("SELECT coalesce(max(position), 0) FROM events");
            ReadStreams();
            Leases = ReadLeases();
            Snapshots = ReadSnapshots();
            _database.Execute("COMMIT");
            _readSlice = _database.Prepare(
                $"SELECT {Columns} FROM events WHERE position>?1 AND position<=?2 ORDER BY position LIMIT {Slice}");
            _readOne = _database.Prepare($"SELECT {Columns} FROM events WHERE position=?1");
        }
        catch (SqliteFault fault)
        {
            _database.Dispose();
            throw fault.Translate();
        }
        catch (Exception exception) when (exception is JournalCorruptException or ReplayRefusedException)
        {
            _database.Dispose();
            throw;
        }

        Streams = [.. InOrder(_ids.Values)];
    }

    public override long EventCount => _last;

    public override bool IsWhole => true;

    public override IReadOnlyList<PersistenceId> Streams { get; }

    public override IReadOnlyList<Lease> Leases { get; }

    public override IReadOnlyList<StoredSnapshot> Snapshots { get; }

    /// <summary>Whether a file begins as SQLite's do.</summary>
    public static bool IsSqlite(string path)
    {
        Span<byte> start = stackalloc byte[16];
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) == start.Length
            && start.SequenceEqual("SQLite format 3\0"u8);
    }

    public override StreamHead? DeclaredHead(PersistenceId id) =>
        _heads.TryGetValue(id, out var head) && head.Sequence > 0 ? head : null;

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
        var places = Places();
        foreach (var key in _ids.Where(known => known.Value == id).Select(known => known.Key))
        {
            foreach (var position in places.GetValueOrDefault(key) ?? [])
            {
                if (ReadOne(position) is { } recorded)
                {
                    yield return recorded;
                }
            }
        }
    }

    public override IEnumerable<JournalDamage> CheckStore()
    {
        try
        {
            return new SqliteProjectionCheck(_database, IdOf).Run();
        }
        catch (SqliteFault fault)
        {
            return [JournalDamage.Of(DamageKind.File, fault.Translate().Message)];
        }
    }

    public override IEnumerable<JournalDamage> CheckEnd()
    {
        try
        {
            return new SqliteProjectionCheck(_database, IdOf).RunAtEnd();
        }
        catch (SqliteFault fault)
        {
            return [JournalDamage.Of(DamageKind.File, fault.Translate().Message)];
        }
    }

    // The heads in the table of streams are those of the last index run; the events after it are few.
    public override IReadOnlyDictionary<PersistenceId, long> Ends()
    {
        try
        {
            var ends = _heads.Where(head => head.Value.Sequence > 0)
                .ToDictionary(head => head.Key, head => head.Value.Sequence);
            var rows = _database.Prepare(
                "SELECT stream, max(sequence) FROM events "
                + "WHERE position>(SELECT coalesce(max(indexed), 0) FROM progress) AND position<=?1 GROUP BY stream");
            rows.Bind(1, _last);
            while (rows.Step())
            {
                var id = IdOf(rows.Int64(0));
                ends[id] = Math.Max(ends.GetValueOrDefault(id), rows.Int64(1));
            }

            return ends;
        }
        catch (SqliteFault fault)
        {
            throw fault.Translate();
        }
    }

    protected override void Dispose(bool disposing) => _database.Dispose();

    // A journal in WAL mode needs its -shm file, which a directory that cannot be written may lack; without a -wal file
    // nothing is missing from the main file, and SQLite may be told that nobody writes it.
    private static SqliteDatabase OpenReadOnly(string path)
    {
        var database = new SqliteDatabase(path, readOnly: true);
        try
        {
            database.Execute("PRAGMA busy_timeout=5000; SELECT count(*) FROM sqlite_master");
            return database;
        }
        catch (SqliteFault) when (!File.Exists(path + "-wal"))
        {
            database.Dispose();
            return new SqliteDatabase(path, readOnly: true, immutable: true);
        }
        catch (SqliteFault fault)
        {
            database.Dispose();
            throw fault.Translate();
        }
    }

    private void RequireJournal()
    {
        var (application, version) = (Number("PRAGMA application_id"), Number("PRAGMA user_version"));
        if (application != SqliteSchema.ApplicationId || version != SqliteSchema.Version)
        {
            throw new ReplayRefusedException(
                $"The file {Path} is not a journal of version {SqliteSchema.Version} (application {application:x8}, "
                + $"version {version}).");
        }
    }

    private void ReadStreams()
    {
        var rows = _database.Prepare("SELECT key, type, vault, entity, sequence, hash FROM streams");
        while (rows.Step())
        {
            var id = new PersistenceId(rows.Text(1), new VaultId(rows.Text(2)), rows.Text(3));
            _ids[rows.Int64(0)] = id;
            _heads[id] = new StreamHead(rows.Int64(4), rows.Hash(5));
        }
    }

    private List<Lease> ReadLeases()
    {
        var leases = new List<Lease>();
        var rows = _database.Prepare("SELECT name, owner, epoch, expires FROM leases ORDER BY name");
        while (rows.Step())
        {
            leases.Add(new Lease(
                rows.Text(0), rows.Text(1), rows.Int64(2), SqliteStatement.TimeOf(rows.Int64(3))));
        }

        return leases;
    }

    private List<StoredSnapshot> ReadSnapshots()
    {
        var snapshots = new Dictionary<PersistenceId, StoredSnapshot>();
        var rows = _database.Prepare("SELECT stream, version, sequence, hash, checksum, payload FROM snapshots");
        while (rows.Step())
        {
            var id = IdOf(rows.Int64(0));
            snapshots[id] = new StoredSnapshot(
                id, (int)rows.Int64(1), new StreamHead(rows.Int64(2), rows.Hash(3)), rows.Bytes(5).ToArray(),
                rows.Hash(4));
        }

        return [.. InOrder(snapshots.Keys).Select(id => snapshots[id])];
    }

    private List<RecordedEvent> ReadSlice(long after)
    {
        try
        {
            var slice = new List<RecordedEvent>(Slice);
            _readSlice.Bind(1, after).Bind(2, _last);
            while (_readSlice.Step())
            {
                slice.Add(Event(_readSlice));
            }

            return slice;
        }
        catch (SqliteFault fault)
        {
            throw fault.Translate();
        }
    }

    private RecordedEvent? ReadOne(long position)
    {
        try
        {
            if (!_readOne.Bind(1, position).Step())
            {
                return null;
            }

            var recorded = Event(_readOne);
            _readOne.Reset();
            return recorded;
        }
        catch (SqliteFault fault)
        {
            throw fault.Translate();
        }
    }

    // The index tables may be behind or damaged, so the places come from the events themselves.
    private Dictionary<long, List<long>> Places()
    {
        if (_places is not null)
        {
            return _places;
        }

        try
        {
            _places = [];
            var rows = _database.Prepare("SELECT stream, position FROM events WHERE position<=?1 ORDER BY position");
            rows.Bind(1, _last);
            while (rows.Step())
            {
                if (!_places.TryGetValue(rows.Int64(0), out var places))
                {
                    _places.Add(rows.Int64(0), places = []);
                }

                places.Add(rows.Int64(1));
            }

            return _places;
        }
        catch (SqliteFault fault)
        {
            throw fault.Translate();
        }
    }

    private RecordedEvent Event(SqliteStatement row) => new(
        new FeedPosition(row.Int64(0)),
        IdOf(row.Int64(1)),
        new StoredEvent(
            row.Int64(2),
            row.Text(3),
            row.Bytes(4).ToArray(),
            SqliteStatement.TimeOf(row.Int64(5)),
            row.Text(6),
            new CommandId(row.Guid(7)),
            row.Hash(8)),
        new WakeMark(row.Time(9), row.Int64(10) != 0));

    private PersistenceId IdOf(long key) => _ids.TryGetValue(key, out var id)
        ? id
        : new PersistenceId("no-stream", new VaultId(""), "key-" + key.ToString(CultureInfo.InvariantCulture));

    private long Number(string sql)
    {
        var statement = _database.Prepare(sql);
        statement.Step();
        var number = statement.Int64(0);
        statement.Reset();
        return number;
    }
}

using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>The embedded default: journal, reminder index, snapshots and leases in one SQLite file.</summary>
internal sealed class SqliteStore : IEventJournal, IReminderIndex, ISnapshotStore, IDisposable
{
    private readonly FileLock _lock;
    private readonly SqliteDatabase _database;
    private readonly StreamCatalog _catalog = new();
    private readonly SqliteAppends _appends;
    private readonly SqliteIndexer _indexer;
    private readonly SqliteReader _reader;
    private readonly SqliteWriter _writer;
    private readonly SqliteStatement _listWakes;
    private readonly SqliteStatement _saveSnapshot;

    /// <summary>Opens the journal, or creates it, for this process alone.</summary>
    /// <exception cref="JournalInUseException">Another process has it open.</exception>
    /// <exception cref="JournalCorruptException">The file is damaged.</exception>
    /// <exception cref="JournalUnavailableException">It cannot be opened.</exception>
    public SqliteStore(string path)
    {
        _lock = FileLock.Take(path);
        try
        {
            _database = new SqliteDatabase(path, readOnly: false);
            SqliteSchema.Apply(_database);
            Leases = new SqliteLeases(_database);
            _appends = new SqliteAppends(_database, _catalog, Leases);
            _indexer = new SqliteIndexer(_database, _catalog, _appends);
            _listWakes = _database.Prepare("SELECT key, vault, entity, wake_due, owes FROM streams WHERE type=?1");
            _saveSnapshot = _database.Prepare(
                "INSERT INTO snapshots (stream, version, sequence, hash, checksum, payload) "
                + "VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (stream) DO UPDATE SET "
                + "version=?2, sequence=?3, hash=?4, checksum=?5, payload=?6 WHERE sequence<=?3");
            _appends.Recover();
            _reader = new SqliteReader(path, _catalog);
        }
        catch (Exception exception)
        {
            _reader?.Dispose();
            _database?.Dispose();
            _lock.Dispose();
            if (exception is SqliteFault fault)
            {
                throw fault.Translate();
            }

            throw;
        }

        _writer = new SqliteWriter(_database, _appends.Begin, _indexer.RunIfDue);
        Leases.Attach(_writer);
    }

    public SqliteLeases Leases { get; }

    /// <summary>The writer, so that a test can make it fail.</summary>
    internal SqliteWriter Writer => _writer;

    /// <summary>Limits the file to this many pages, so that a test can fill it.</summary>
    internal Task LimitPagesAsync(int pages)
    {
        var operation = new SimpleOperation<bool>(
            () =>
            {
                _database.Execute($"PRAGMA max_page_count={pages}");
                return true;
            },
            _ => { });
        _writer.Enqueue(operation);
        return operation.Completion;
    }

    /// <inheritdoc/>
    public async ValueTask<AppendOutcome> AppendAsync(AppendRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var operation = new AppendOperation(this, request);
        _writer.Enqueue(operation);
        return await operation.Completion;
    }

    /// <inheritdoc/>
    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken) =>
        Read(() => _reader.ReadStream(id, after, maxEvents), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        Read(() => _reader.ReadFeed(after, maxEvents), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken) =>
        Read(() => _reader.FindCommand(id, commandId), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken) =>
        Read(() => _reader.List(type), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StoredSnapshot?> LoadAsync(PersistenceId id, CancellationToken cancellationToken) =>
        Read(() => _reader.FindSnapshot(id), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken)
    {
        var operation = new SimpleOperation<IReadOnlyList<WakeEntry>>(() => ListWakes(type), _ => { });
        _writer.Enqueue(operation);
        return await operation.Completion.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask SaveAsync(StoredSnapshot snapshot, CancellationToken cancellationToken)
    {
        var operation = new SimpleOperation<bool>(() => Save(snapshot), _ => { });
        _writer.Enqueue(operation);
        await operation.Completion.WaitAsync(cancellationToken);
    }

    /// <summary>Writes what waits, brings the index up to date and gives the file free.</summary>
    public void Dispose()
    {
        _writer.Dispose();
        try
        {
            _indexer.Run();
        }
        catch (SqliteFault)
        {
            // The journal is whole without it: the next start rebuilds from the events what was not indexed.
        }

        _reader.Dispose();
        _database.Dispose();
        _lock.Dispose();
    }

    private static ValueTask<T> Read<T>(Func<T> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return new ValueTask<T>(read());
        }
        catch (SqliteFault fault)
        {
            throw fault.Translate();
        }
    }

    private List<WakeEntry> ListWakes(string type)
    {
        var wakes = new List<WakeEntry>();
        _listWakes.Bind(1, type);
        while (_listWakes.Step())
        {
            var mark = _catalog.Find(_listWakes.Int64(0))?.Wake
                ?? new WakeMark(_listWakes.Time(3), _listWakes.Int64(4) != 0);
            if (mark != WakeMark.None)
            {
                var vault = new VaultId(_listWakes.Text(1));
                wakes.Add(new WakeEntry(new PersistenceId(type, vault, _listWakes.Text(2)), mark));
            }
        }

        return [.. wakes
            .OrderBy(wake => wake.Id.Vault.Value, StringComparer.Ordinal)
            .ThenBy(wake => wake.Id.Entity, StringComparer.Ordinal)];
    }

    private bool Save(StoredSnapshot snapshot)
    {
        if (_appends.Load(snapshot.Id) is not { } entry)
        {
            return false;
        }

        _saveSnapshot
            .Bind(1, entry.Key)
            .Bind(2, snapshot.Version)
            .Bind(3, snapshot.Head.Sequence)
            .Bind(4, snapshot.Head.Hash)
            .Bind(5, snapshot.Checksum)
            .Bind(6, snapshot.Payload)
            .Run();
        return true;
    }

    private sealed class AppendOperation(SqliteStore store, AppendRequest request) : WriteOperation<AppendOutcome>
    {
        private AppendOutcome? _outcome;
        private StreamEntry? _entry;

        public override bool Apply()
        {
            _outcome = store._appends.Apply(request, out _entry);
            return _outcome is not null;
        }

        public override void Commit()
        {
            if (_outcome is AppendOutcome.Appended appended)
            {
                store._appends.Publish(request, _entry!, appended.Position);
            }

            Answer(_outcome!);
        }

        public override void RefuseForRoom(string message) => Answer(new AppendOutcome.JournalFull(message));

        public override void Fail(Exception cause) => Answer(new AppendOutcome.Unknown(cause.Message));
    }
}

using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>
/// The reading connection. It sees what is committed, while the writer goes on. One call at a time; long reads are cut
/// into slices by their callers.
/// </summary>
internal sealed class SqliteReader : IDisposable
{
    private const string EventColumns =
        "e.position, e.stream, e.sequence, e.name, e.payload, e.time, e.actor, e.command, e.hash";

    private readonly Lock _gate = new();
    private readonly SqliteDatabase _database;
    private readonly StreamCatalog _catalog;
    private readonly SqliteStatement _findStream;
    private readonly SqliteStatement _findKey;
    private readonly SqliteStatement _readIndexed;
    private readonly SqliteStatement _readPosition;
    private readonly SqliteStatement _readFeed;
    private readonly SqliteStatement _findCommand;
    private readonly SqliteStatement _list;
    private readonly SqliteStatement _findSnapshot;

    public SqliteReader(string path, StreamCatalog catalog)
    {
        _catalog = catalog;
        _database = new SqliteDatabase(path, readOnly: true);
        _database.Execute("PRAGMA cache_size=-16384");
        _findStream = _database.Prepare(
            "SELECT key, sequence, hash FROM streams WHERE type=?1 AND vault=?2 AND entity=?3");
        _findKey = _database.Prepare("SELECT type, vault, entity FROM streams WHERE key=?1");
        _readIndexed = _database.Prepare(
            $"SELECT {EventColumns} FROM stream_index i JOIN events e ON e.position=i.position "
            + "WHERE i.stream=?1 AND i.sequence>?2 AND i.sequence<=?3 ORDER BY i.sequence LIMIT ?4");
        _readPosition = _database.Prepare($"SELECT {EventColumns} FROM events e WHERE e.position=?1");
        _readFeed = _database.Prepare(
            $"SELECT {EventColumns} FROM events e WHERE e.position>?1 ORDER BY e.position LIMIT ?2");
        _findCommand = _database.Prepare("SELECT first, last FROM commands WHERE stream=?1 AND command=?2");
        _list = _database.Prepare("SELECT vault, entity FROM streams WHERE type=?1 ORDER BY vault, entity");
        _findSnapshot = _database.Prepare(
            "SELECT version, sequence, hash, checksum, payload FROM snapshots WHERE stream=?1");
    }

    public StreamSlice ReadStream(PersistenceId id, StreamHead after, int maxEvents)
    {
        lock (_gate)
        {
            // The tail is taken before the index is asked: what an index run moves in between is found in both.
            if (!Locate(id, out var key, out var head, out var indexed, out var tail))
            {
                return StreamEnd.Check(id, after, [], StreamHead.Start);
            }

            var events = new List<StoredEvent>();
            if (after.Sequence < indexed)
            {
                _readIndexed.Bind(1, key).Bind(2, after.Sequence).Bind(3, indexed).Bind(4, maxEvents);
                while (_readIndexed.Step())
                {
                    events.Add(Event(_readIndexed));
                }
            }

            var next = events.Count == 0 ? after.Sequence : events[^1].Sequence;
            if (next >= indexed)
            {
                ReadTail(tail, (int)(next - indexed), maxEvents - events.Count, events);
            }

            return StreamEnd.Check(id, after, events, head);
        }
    }

    public IReadOnlyList<FeedEvent> ReadFeed(FeedPosition after, int maxEvents)
    {
        var events = new List<FeedEvent>();
        var streams = new Dictionary<long, PersistenceId>();
        lock (_gate)
        {
            _readFeed.Bind(1, after.Value).Bind(2, maxEvents);
            while (_readFeed.Step())
            {
                var position = _readFeed.Int64(0);
                var key = _readFeed.Int64(1);
                if (position != after.Value + events.Count + 1)
                {
                    _readFeed.Reset();
                    throw new JournalCorruptException(
                        _database.Path, $"the event at position {after.Value + events.Count + 1} is missing");
                }

                if (!streams.TryGetValue(key, out var id))
                {
                    streams.Add(key, id = IdOf(key));
                }

                events.Add(new FeedEvent(new FeedPosition(position), id, Event(_readFeed)));
            }
        }

        return events;
    }

    public CommandRecord? FindCommand(PersistenceId id, CommandId commandId)
    {
        lock (_gate)
        {
            lock (_catalog.Gate)
            {
                if (_catalog.Find(id) is { } entry && entry.Commands.TryGetValue(commandId, out var recent))
                {
                    return new CommandRecord(commandId, recent.First, recent.Last);
                }
            }

            if (!Locate(id, out var key, out _, out _, out _))
            {
                return null;
            }

            _findCommand.Bind(1, key).Bind(2, commandId.Value);
            if (!_findCommand.Step())
            {
                return null;
            }

            var record = new CommandRecord(commandId, _findCommand.Int64(0), _findCommand.Int64(1));
            _findCommand.Reset();
            return record;
        }
    }

    public IReadOnlyList<PersistenceId> List(string type)
    {
        var ids = new List<PersistenceId>();
        lock (_gate)
        {
            _list.Bind(1, type);
            while (_list.Step())
            {
                ids.Add(new PersistenceId(type, new VaultId(_list.Text(0)), _list.Text(1)));
            }
        }

        return ids;
    }

    public StoredSnapshot? FindSnapshot(PersistenceId id)
    {
        lock (_gate)
        {
            if (!Locate(id, out var key, out _, out _, out _) || !_findSnapshot.Bind(1, key).Step())
            {
                return null;
            }

            var snapshot = new StoredSnapshot(
                id,
                (int)_findSnapshot.Int64(0),
                new StreamHead(_findSnapshot.Int64(1), _findSnapshot.Hash(2)),
                _findSnapshot.Bytes(4).ToArray(),
                _findSnapshot.Hash(3));
            _findSnapshot.Reset();
            return snapshot;
        }
    }

    public void Dispose() => _database.Dispose();

    private bool Locate(PersistenceId id, out long key, out StreamHead head, out long indexed, out long[] tail)
    {
        lock (_catalog.Gate)
        {
            if (_catalog.Find(id) is { } entry)
            {
                (key, head, indexed, tail) = (entry.Key, entry.Head, entry.Indexed, [.. entry.Tail]);
                return true;
            }
        }

        (key, head, indexed, tail) = (0, StreamHead.Start, 0, []);
        _findStream.Bind(1, id.Type).Bind(2, id.Vault.Value).Bind(3, id.Entity);
        if (!_findStream.Step())
        {
            return false;
        }

        key = _findStream.Int64(0);
        head = new StreamHead(_findStream.Int64(1), _findStream.Hash(2));
        indexed = head.Sequence;
        _findStream.Reset();
        return true;
    }

    private void ReadTail(long[] tail, int from, int count, List<StoredEvent> events)
    {
        var end = (int)Math.Min(tail.Length, (long)from + count);
        for (var i = from; i < end; i++)
        {
            _readPosition.Bind(1, tail[i]);
            if (_readPosition.Step())
            {
                events.Add(Event(_readPosition));
                _readPosition.Reset();
            }
        }
    }

    private PersistenceId IdOf(long key)
    {
        _findKey.Bind(1, key);
        if (!_findKey.Step())
        {
            throw new JournalCorruptException(_database.Path, $"the stream {key} is missing");
        }

        var id = new PersistenceId(_findKey.Text(0), new VaultId(_findKey.Text(1)), _findKey.Text(2));
        _findKey.Reset();
        return id;
    }

    private static StoredEvent Event(SqliteStatement row) => new(
        row.Int64(2),
        row.Text(3),
        row.Bytes(4).ToArray(),
        SqliteStatement.TimeOf(row.Int64(5)),
        row.Text(6),
        new CommandId(row.Guid(7)),
        row.Hash(8));
}

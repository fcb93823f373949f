using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>Judges and writes appends. Lives on the writer's thread.</summary>
internal sealed class SqliteAppends(SqliteDatabase database, StreamCatalog catalog, SqliteLeases leases)
{
    private readonly SqliteStatement _findStream = database.Prepare(
        "SELECT key, sequence, hash, wake_due, owes FROM streams WHERE type=?1 AND vault=?2 AND entity=?3");

    private readonly SqliteStatement _findKey = database.Prepare(
        "SELECT type, vault, entity, sequence, hash, wake_due, owes FROM streams WHERE key=?1");

    private readonly SqliteStatement _addStream = database.Prepare(
        "INSERT INTO streams (key, type, vault, entity, sequence, hash, owes) "
        + "VALUES (?1, ?2, ?3, ?4, 0, zeroblob(32), 0)");

    private readonly SqliteStatement _addEvent = database.Prepare(
        "INSERT INTO events (position, stream, sequence, time, command, name, actor, wake_due, owes, hash, payload) "
        + "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)");

    private readonly SqliteStatement _findCommand = database.Prepare(
        "SELECT first, last FROM commands WHERE stream=?1 AND command=?2");

    private readonly HashSet<PersistenceId> _touched = [];
    private long _durablePosition;
    private long _nextPosition = 1;
    private long _nextKey = 1;

    /// <summary>Brings memory up to date with a file that was just opened.</summary>
    /// <exception cref="JournalCorruptException">An event belongs to no stream, or a position is missing.</exception>
    public void Recover()
    {
        var keys = database.Prepare("SELECT coalesce(max(key), 0) FROM streams");
        keys.Step();
        _nextKey = keys.Int64(0) + 1;
        keys.Reset();
        var rows = database.Prepare(
            "SELECT position, stream, sequence, command, wake_due, owes, hash FROM events "
            + "WHERE position > (SELECT indexed FROM progress) ORDER BY position");
        var progress = database.Prepare("SELECT indexed FROM progress");
        progress.Step();
        _durablePosition = progress.Int64(0);
        progress.Reset();
        while (rows.Step())
        {
            var position = rows.Int64(0);
            if (position != _durablePosition + 1)
            {
                throw new JournalCorruptException(
                    database.Path, $"the event at position {_durablePosition + 1} is missing");
            }

            var entry = Load(rows.Int64(1)) ?? throw new JournalCorruptException(
                database.Path, $"the event at position {position} belongs to no stream");
            var stored = new StoredEvent(
                rows.Int64(2), "", [], default, "", new CommandId(rows.Guid(3)), rows.Hash(6));
            entry.Add(stored, position, new WakeMark(rows.Time(4), rows.Int64(5) != 0));
            catalog.CountUnindexed(1);
            _durablePosition = position;
        }

        _nextPosition = _durablePosition + 1;
    }

    /// <summary>The position of the last durable event.</summary>
    public long DurablePosition => _durablePosition;

    /// <summary>A batch begins: forget what a batch that was rolled back did.</summary>
    public void Begin()
    {
        _touched.Clear();
        _nextPosition = _durablePosition + 1;
    }

    /// <summary>Judges, and writes when it may; null when the stream was written in this transaction already.</summary>
    public AppendOutcome? Apply(AppendRequest request, out StreamEntry? entry)
    {
        entry = null;
        var epoch = leases.EpochOf(request.Token.Lease);
        if (epoch != request.Token.Epoch)
        {
            return new AppendOutcome.Fenced(epoch);
        }

        if (_touched.Contains(request.Id))
        {
            return null;
        }

        entry = Load(request.Id);
        if (entry is not null && FindCommand(entry, request.CommandId) is { } duplicate)
        {
            return new AppendOutcome.Duplicate(duplicate);
        }

        var head = entry?.Head ?? StreamHead.Start;
        if (head != request.Expected)
        {
            return new AppendOutcome.VersionConflict(head);
        }

        entry ??= AddStream(request.Id);
        _touched.Add(request.Id);
        foreach (var stored in request.Events)
        {
            Insert(entry.Key, stored, request.Wake);
        }

        return new AppendOutcome.Appended(new FeedPosition(_nextPosition - 1));
    }

    /// <summary>The append is durable: readers may see it.</summary>
    public void Publish(AppendRequest request, StreamEntry entry, FeedPosition last)
    {
        lock (catalog.Gate)
        {
            catalog.Add(entry);
            var position = last.Value - request.Events.Length;
            foreach (var stored in request.Events)
            {
                entry.Add(stored, ++position, request.Wake);
            }

            catalog.CountUnindexed(request.Events.Length);
        }

        _durablePosition = Math.Max(_durablePosition, last.Value);
    }

    /// <summary>The entry of a stream, brought to memory; null when there is none.</summary>
    public StreamEntry? Load(PersistenceId id)
    {
        if (catalog.Find(id) is { } known)
        {
            return known;
        }

        _findStream.Bind(1, id.Type).Bind(2, id.Vault.Value).Bind(3, id.Entity);
        if (!_findStream.Step())
        {
            return null;
        }

        var entry = Entry(_findStream, _findStream.Int64(0), id, firstColumn: 1);
        _findStream.Reset();
        return Keep(entry);
    }

    private StreamEntry? Load(long key)
    {
        if (catalog.Find(key) is { } known)
        {
            return known;
        }

        _findKey.Bind(1, key);
        if (!_findKey.Step())
        {
            return null;
        }

        var id = new PersistenceId(_findKey.Text(0), new VaultId(_findKey.Text(1)), _findKey.Text(2));
        var entry = Entry(_findKey, key, id, firstColumn: 3);
        _findKey.Reset();
        return Keep(entry);
    }

    private static StreamEntry Entry(SqliteStatement row, long key, PersistenceId id, int firstColumn) => new(key, id)
    {
        Head = new StreamHead(row.Int64(firstColumn), row.Hash(firstColumn + 1)),
        Indexed = row.Int64(firstColumn),
        Wake = new WakeMark(row.Time(firstColumn + 2), row.Int64(firstColumn + 3) != 0),
    };

    private StreamEntry Keep(StreamEntry entry)
    {
        lock (catalog.Gate)
        {
            catalog.Add(entry);
        }

        return entry;
    }

    private CommandRecord? FindCommand(StreamEntry entry, CommandId commandId)
    {
        if (entry.Commands.TryGetValue(commandId, out var recent))
        {
            return new CommandRecord(commandId, recent.First, recent.Last);
        }

        if (entry.Indexed == 0)
        {
            return null;
        }

        _findCommand.Bind(1, entry.Key).Bind(2, commandId.Value);
        if (!_findCommand.Step())
        {
            return null;
        }

        var record = new CommandRecord(commandId, _findCommand.Int64(0), _findCommand.Int64(1));
        _findCommand.Reset();
        return record;
    }

    private StreamEntry AddStream(PersistenceId id)
    {
        var entry = new StreamEntry(_nextKey++, id);
        _addStream.Bind(1, entry.Key).Bind(2, id.Type).Bind(3, id.Vault.Value).Bind(4, id.Entity).Run();
        return entry;
    }

    private void Insert(long key, StoredEvent stored, WakeMark wake) => _addEvent
        .Bind(1, _nextPosition++)
        .Bind(2, key)
        .Bind(3, stored.Sequence)
        .Bind(4, stored.Time.UtcTicks)
        .Bind(5, stored.CommandId.Value)
        .Bind(6, stored.Name)
        .Bind(7, stored.Actor)
        .Bind(8, wake.NextDue)
        .Bind(9, wake.OwesEffects ? 1 : 0)
        .Bind(10, stored.Hash)
        .Bind(11, stored.Payload)
        .Run();
}

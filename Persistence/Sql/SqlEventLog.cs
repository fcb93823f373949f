using System.Data.Common;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Serialization;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Reads a journal's tables while the plugin writes them. A reader sees committed data and blocks no writer.
/// </summary>
/// <param name="journal">The journal's name in messages.</param>
/// <param name="archive">The archive of old events; null when none were ever moved.</param>
internal abstract class SqlEventLog(string journal, ArchiveDirectory? archive) : IEventLog
{
    private const int Attempts = 4;
    private const string Columns = "message, manifest, sequence_number, persistence_id, ordering";

    // Steps from one persistence id to the next by the index, instead of reading every row of it.
    private const string Ids = """
        WITH RECURSIVE ids(id) AS (
          SELECT min(persistence_id) FROM journal WHERE persistence_id >= @from AND persistence_id < @to
          UNION ALL
          SELECT (SELECT min(persistence_id) FROM journal WHERE persistence_id > ids.id AND persistence_id < @to)
          FROM ids WHERE ids.id IS NOT NULL)
        """;

    private bool _mayBeArchived;

    /// <inheritdoc/>
    public abstract bool ShowsAtOnce { get; }

    /// <inheritdoc/>
    public bool MayBeArchived => Volatile.Read(ref _mayBeArchived);

    /// <summary>Records that events are about to leave the journal, or have left it before.</summary>
    public void NoteArchive() => Volatile.Write(ref _mayBeArchived, true);

    /// <summary>The journal's name in messages.</summary>
    protected string Journal => journal;

    /// <summary>
    /// The query for the feed after <c>@transaction</c> and <c>@ordering</c>: the columns, with the transaction of each
    /// row as <c>tx</c>, in commit order, <c>@most</c> rows at most.
    /// </summary>
    protected abstract string Feed { get; }

    /// <summary>The query for the number and the transaction of the last committed row.</summary>
    protected abstract string FeedEnd { get; }

    /// <summary>The query for the number of rows committed after <c>@transaction</c> and <c>@ordering</c>.</summary>
    protected abstract string FeedCount { get; }

    /// <inheritdoc/>
    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken) =>
        ReadAsync(async connection =>
        {
            // The end is read first, so that events appended in between are read too.
            await using var end = Command(
                connection, "SELECT max(sequence_number) FROM journal WHERE persistence_id=@id",
                ("@id", id.ToString()));
            var last = await end.ExecuteScalarAsync(cancellationToken) is long value ? value : 0;
            await using var command = Command(
                connection,
                $"SELECT {Columns} FROM journal WHERE persistence_id=@id AND sequence_number>@after "
                + "ORDER BY sequence_number LIMIT @most",
                ("@id", id.ToString()), ("@after", after.Sequence), ("@most", (long)maxEvents));
            var events = new List<StoredEvent>();
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                events.Add(Decode(id, rows));
            }

            await rows.CloseAsync();
            last = Math.Max(last, events.Count == 0 ? 0 : events[^1].Sequence);
            if (after.Sequence < last && (events.Count == 0 || events[0].Sequence > after.Sequence + 1))
            {
                var archived = await ArchivedAsync(connection, id, after, maxEvents, cancellationToken);
                var reached = archived.Count == 0 ? after.Sequence : archived[^1].Sequence;
                events = [.. archived.Concat(events.SkipWhile(stored => stored.Sequence <= reached)).Take(maxEvents)];
            }

            return StreamEnd.Check(id, after, events, last);
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<StreamHead?> HeadAtAsync(
        PersistenceId id, long sequence, CancellationToken cancellationToken) =>
        sequence == 0 ? ValueTask.FromResult<StreamHead?>(StreamHead.Start) : ReadAsync<StreamHead?>(async connection =>
        {
            await using var command = Command(
                connection, $"SELECT {Columns} FROM journal WHERE persistence_id=@id AND sequence_number=@number",
                ("@id", id.ToString()), ("@number", sequence));
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            if (await rows.ReadAsync(cancellationToken))
            {
                return StreamEnd.HeadOf(id, sequence, Decode(id, rows));
            }

            await rows.CloseAsync();
            return (await PartsAsync(connection, id, cancellationToken))
                .FirstOrDefault(part => part.First <= sequence && sequence <= part.Last) is { } part
                ? sequence == part.Last ? part.Head : Archive(part).Read(part)[(int)(sequence - part.First)].Head
                : null;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> ArchivedToAsync(PersistenceId id, CancellationToken cancellationToken) =>
        ReadAsync(
            async connection => (await PartsAsync(connection, id, cancellationToken)) is [.., var last] ? last.Last : 0,
            cancellationToken);

    /// <summary>Returns the archived parts of a stream, in order.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    public ValueTask<IReadOnlyList<ArchivePart>> PartsAsync(PersistenceId id, CancellationToken cancellationToken) =>
        ReadAsync(connection => PartsAsync(connection, id, cancellationToken), cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<FeedEvent>>(async connection =>
        {
            await using var command = Command(
                connection, Feed,
                ("@transaction", after.Transaction), ("@ordering", after.Value), ("@most", (long)maxEvents));
            var events = new List<FeedEvent>();
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                var id = PersistenceIdText.Read(rows.GetString(3))
                    ?? throw new JournalCorruptException(journal, $"'{rows.GetString(3)}' is not a persistence id");
                events.Add(new FeedEvent(
                    new FeedPosition(rows.GetInt64(4), rows.GetInt64(5)), id, Decode(id, rows)));
            }

            return events;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedPlace>> ReadPlacesAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<FeedPlace>>(async connection =>
        {
            await using var command = Command(
                connection, $"SELECT persistence_id, sequence_number, ordering, tx FROM ({Feed}) AS feed",
                ("@transaction", after.Transaction), ("@ordering", after.Value), ("@most", (long)maxEvents));
            var places = new List<FeedPlace>();
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                places.Add(new FeedPlace(
                    new FeedPosition(rows.GetInt64(2), rows.GetInt64(3)), PersistenceIdText.Read(rows.GetString(0)),
                    rows.GetInt64(1)));
            }

            return places;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<FeedPosition> FeedEndAsync(CancellationToken cancellationToken) =>
        ReadAsync(async connection =>
        {
            await using var command = Command(connection, FeedEnd);
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            return await rows.ReadAsync(cancellationToken)
                ? new FeedPosition(rows.GetInt64(0), rows.GetInt64(1)) : FeedPosition.Start;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<long> CountFeedAsync(FeedPosition after, CancellationToken cancellationToken) =>
        ReadAsync(async connection =>
        {
            await using var command = Command(
                connection, FeedCount, ("@transaction", after.Transaction), ("@ordering", after.Value));
            return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken) =>
        ReadAsync(async connection =>
        {
            await using var command = Command(
                connection,
                $"SELECT {Columns} FROM journal WHERE persistence_id=@id AND tags=@tag AND tags <> ''",
                ("@id", id.ToString()), ("@tag", SqliteJournalSchema.TagOf(commandId)));
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            if (await rows.ReadAsync(cancellationToken))
            {
                return new CommandRecord(commandId, rows.GetInt64(2), Decode(id, rows).Command?.Digest);
            }

            await rows.CloseAsync();
            return (await PartsAsync(connection, id, cancellationToken))
                .Where(part => CommandFilter.MayHold(part.Commands, commandId))
                .Select(part => Archive(part).Read(part)
                    .FirstOrDefault(stored => stored.EndsCommand && stored.CommandId == commandId))
                .FirstOrDefault(stored => stored is not null) is { } archived
                ? new CommandRecord(commandId, archived.Sequence, archived.Command?.Digest) : null;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<PersistenceId>>(async connection =>
        {
            await using var command = OfType(connection, $"{Ids} SELECT id FROM ids WHERE id IS NOT NULL", type);
            var ids = new List<PersistenceId>();
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                if (PersistenceIdText.Read(rows.GetString(0)) is { } id)
                {
                    ids.Add(id);
                }
            }

            return PersistenceIdText.Ordered(ids, id => id);
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<WakeEntry>>(async connection =>
        {
            await using var command = OfType(
                connection,
                $"{Ids} SELECT id, message, manifest FROM ids JOIN journal ON ordering=(SELECT ordering FROM journal "
                + "WHERE persistence_id=id ORDER BY sequence_number DESC LIMIT 1) WHERE id IS NOT NULL",
                type);
            var wakes = new List<WakeEntry>();
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                if (PersistenceIdText.Read(rows.GetString(0)) is { } id
                    && MarkOf(rows.GetString(2), rows.GetFieldValue<byte[]>(1)) is var mark && mark != WakeMark.None)
                {
                    wakes.Add(new WakeEntry(id, mark));
                }
            }

            return PersistenceIdText.Ordered(wakes, wake => wake.Id);
        }, cancellationToken);

    /// <summary>Returns the number of the last event of each stream of a type.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    public ValueTask<IReadOnlyDictionary<PersistenceId, long>> EndsAsync(
        string type, CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyDictionary<PersistenceId, long>>(async connection =>
        {
            await using var command = OfType(
                connection,
                $"{Ids} SELECT id, (SELECT max(sequence_number) FROM journal WHERE persistence_id=id) FROM ids "
                + "WHERE id IS NOT NULL",
                type);
            var ends = new Dictionary<PersistenceId, long>();
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            while (await rows.ReadAsync(cancellationToken))
            {
                if (PersistenceIdText.Read(rows.GetString(0)) is { } id)
                {
                    ends[id] = rows.GetInt64(1);
                }
            }

            return ends;
        }, cancellationToken);

    /// <summary>Opens a connection.</summary>
    protected abstract Task<DbConnection> OpenAsync(CancellationToken cancellationToken);

    /// <summary>Translates an error of the database to an exception of the contracts.</summary>
    protected abstract Exception Translate(DbException exception);

    private static WakeMark MarkOf(string name, byte[] message)
    {
        try
        {
            return StoredRecordForm.Decode(name, message).Command?.Wake ?? new WakeMark(null, OwesEffects: true);
        }
        catch (UnreadableEventException)
        {
            return new WakeMark(null, OwesEffects: true);
        }
    }

    private static StoredEvent Decode(PersistenceId id, DbDataReader row)
    {
        try
        {
            return StoredRecordForm.Decode(row.GetString(1), row.GetFieldValue<byte[]>(0));
        }
        catch (UnreadableEventException exception)
        {
            throw new JournalCorruptException(id, row.GetInt64(2), exception.Message.TrimEnd('.'));
        }
    }

    /// <summary>Runs a read, and repeats it when its pooled connection turns out to be stale.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    public async ValueTask<T> ReadAsync<T>(Func<DbConnection, Task<T>> read, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                await using var connection = await OpenAsync(cancellationToken);
                return await read(connection);
            }
            catch (DbException exception) when (exception.IsTransient && attempt < Attempts)
            {
                // A pooled connection from before the database was restarted; the next one is new.
            }
            catch (DbException exception)
            {
                throw Translate(exception);
            }
        }
    }

    /// <summary>Runs a write once.</summary>
    /// <exception cref="JournalUnavailableException">The write failed. Only the work itself knows whether it took
    /// effect.</exception>
    public async ValueTask WriteAsync(Func<DbConnection, Task> write, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await OpenAsync(cancellationToken);
            await write(connection);
        }
        catch (DbException exception)
        {
            throw Translate(exception);
        }
    }

    private static async Task<IReadOnlyList<ArchivePart>> PartsAsync(
        DbConnection connection, PersistenceId id, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, ArchivePart.OfStream, ("@id", id.ToString()));
        var parts = new List<ArchivePart>();
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            parts.Add(ArchivePart.Read(rows));
        }

        return parts;
    }

    private async Task<IReadOnlyList<StoredEvent>> ArchivedAsync(
        DbConnection connection, PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken)
    {
        var parts = await PartsAsync(connection, id, cancellationToken);
        return [.. parts.Where(part => after.Sequence < part.Last)
            .SelectMany(part => Archive(part).Read(part))
            .SkipWhile(stored => stored.Sequence <= after.Sequence).Take(maxEvents)];
    }

    private ArchiveDirectory Archive(ArchivePart part) => archive ?? throw new JournalUnavailableException(
        $"Events {part.First} to {part.Last} of {part.Id} are in the archive of the journal {journal}; "
        + "name its directory.");

    private static DbCommand OfType(DbConnection connection, string sql, string type) =>
        Command(connection, sql, ("@from", $"{type}|"), ("@to", $"{type}}}"));

    /// <summary>Creates a command with its parameters.</summary>
    public static DbCommand Command(
        DbConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }

        return command;
    }
}

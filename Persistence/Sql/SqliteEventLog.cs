using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Serialization;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Reads a journal's SQLite file while the plugin writes it: a reader sees what is committed and holds nobody up.
/// </summary>
internal sealed class SqliteEventLog(string path, string connectionString) : IEventLog
{
    private const int NotADatabase = 26;
    private const int Corrupt = 11;

    // Steps from one persistence id to the next by the index, instead of reading every row of it.
    private const string Ids = """
        WITH RECURSIVE ids(id) AS (
          SELECT min(persistence_id) FROM journal WHERE persistence_id >= $from AND persistence_id < $to
          UNION ALL
          SELECT (SELECT min(persistence_id) FROM journal WHERE persistence_id > ids.id AND persistence_id < $to)
          FROM ids WHERE ids.id IS NOT NULL)
        """;

    /// <inheritdoc/>
    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken) =>
        Read(connection =>
        {
            // The end is read first: what is appended in between is then read as well.
            var last = Scalar(connection, "SELECT max(sequence_number) FROM journal WHERE persistence_id=$id", id);
            using var command = Command(
                connection,
                "SELECT message, manifest, sequence_number FROM journal WHERE persistence_id=$id "
                + "AND sequence_number>$after ORDER BY sequence_number LIMIT $most",
                ("$id", id.ToString()), ("$after", after.Sequence), ("$most", maxEvents));
            var events = new List<StoredEvent>();
            using var rows = command.ExecuteReader();
            while (rows.Read())
            {
                events.Add(Decode(id, rows.GetInt64(2), rows.GetString(1), rows.GetFieldValue<byte[]>(0)));
            }

            return StreamEnd.Check(id, after, events, Math.Max(last, events.Count == 0 ? 0 : events[^1].Sequence));
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<FeedEvent>>(connection =>
        {
            using var command = Command(
                connection,
                "SELECT message, manifest, sequence_number, persistence_id, ordering FROM journal "
                + "WHERE ordering>$after ORDER BY ordering LIMIT $most",
                ("$after", after.Value), ("$most", maxEvents));
            var events = new List<FeedEvent>();
            using var rows = command.ExecuteReader();
            while (rows.Read())
            {
                var id = PersistenceIdText.Read(rows.GetString(3))
                    ?? throw new JournalCorruptException(path, $"'{rows.GetString(3)}' is no persistence id");
                events.Add(new FeedEvent(
                    new FeedPosition(rows.GetInt64(4)), id,
                    Decode(id, rows.GetInt64(2), rows.GetString(1), rows.GetFieldValue<byte[]>(0))));
            }

            return events;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken) =>
        Read(connection =>
        {
            using var command = Command(
                connection,
                "SELECT message, manifest, sequence_number FROM journal WHERE persistence_id=$id AND tags=$tag "
                + "AND tags <> ''",
                ("$id", id.ToString()), ("$tag", SqliteJournalSchema.TagOf(commandId)));
            using var rows = command.ExecuteReader();
            return rows.Read()
                ? new CommandRecord(
                    commandId, rows.GetInt64(2),
                    Decode(id, rows.GetInt64(2), rows.GetString(1), rows.GetFieldValue<byte[]>(0)).Command?.Digest)
                : null;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<PersistenceId>>(connection =>
        {
            using var command = OfType(connection, $"{Ids} SELECT id FROM ids WHERE id IS NOT NULL", type);
            var ids = new List<PersistenceId>();
            using var rows = command.ExecuteReader();
            while (rows.Read())
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
        Read<IReadOnlyList<WakeEntry>>(connection =>
        {
            using var command = OfType(
                connection,
                $"{Ids} SELECT id, message, manifest FROM ids JOIN journal ON ordering=(SELECT ordering FROM journal "
                + "WHERE persistence_id=id ORDER BY sequence_number DESC LIMIT 1) WHERE id IS NOT NULL",
                type);
            var wakes = new List<WakeEntry>();
            using var rows = command.ExecuteReader();
            while (rows.Read())
            {
                if (PersistenceIdText.Read(rows.GetString(0)) is { } id
                    && MarkOf(rows.GetString(2), rows.GetFieldValue<byte[]>(1)) is var mark && mark != WakeMark.None)
                {
                    wakes.Add(new WakeEntry(id, mark));
                }
            }

            return PersistenceIdText.Ordered(wakes, wake => wake.Id);
        }, cancellationToken);

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

    private static StoredEvent Decode(PersistenceId id, long sequence, string name, byte[] message)
    {
        try
        {
            return StoredRecordForm.Decode(name, message);
        }
        catch (UnreadableEventException exception)
        {
            throw new JournalCorruptException(id, sequence, exception.Message.TrimEnd('.'));
        }
    }

    private ValueTask<T> Read<T>(Func<SqliteConnection, T> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            using var connection = new SqliteConnection(connectionString);
            connection.Open();
            return new ValueTask<T>(read(connection));
        }
        catch (SqliteException exception)
        {
            throw Translate(path, exception);
        }
    }

    /// <summary>What callers of the contracts get for an error of the library.</summary>
    public static Exception Translate(string path, SqliteException exception) =>
        exception.SqliteErrorCode is NotADatabase or Corrupt
            ? new JournalCorruptException(path, exception.Message)
            : new JournalUnavailableException($"The journal {path} failed: {exception.Message.TrimEnd('.')}.", exception);

    private static long Scalar(SqliteConnection connection, string sql, PersistenceId id)
    {
        using var command = Command(connection, sql, ("$id", id.ToString()));
        return command.ExecuteScalar() is long value ? value : 0;
    }

    private static SqliteCommand OfType(SqliteConnection connection, string sql, string type) =>
        Command(connection, sql, ("$from", $"{type}|"), ("$to", $"{type}}}"));

    private static SqliteCommand Command(
        SqliteConnection connection, string sql, params ReadOnlySpan<(string Name, object Value)> values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (name, value) in values)
        {
            command.Parameters.AddWithValue(name, value);
        }

        return command;
    }
}

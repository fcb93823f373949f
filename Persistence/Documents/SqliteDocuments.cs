// The documents of projections next to the journal, in its own file:
//
//   projection_v1  (name, generation) -> version, position, revision, serving; one row per generation
//   document_v1    (kept, id) -> body: kept is projection/generation/kind, body is JSON
//
// Commits here are not synced on their own (synchronous NORMAL on these connections alone): the journal's next commit
// syncs the log that both share. A power failure may undo the last batches, documents and heads together, and they are
// made again.
using System.Text.Json;
using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Documents;

/// <summary>Stores documents in the journal's SQLite file.</summary>
internal sealed class SqliteDocuments : IDocumentStore
{
    private const int DroppedAtOnce = 1_000;

    private const string Tables = """
        CREATE TABLE IF NOT EXISTS projection_v1 (
          name TEXT NOT NULL, generation INTEGER NOT NULL, version INTEGER NOT NULL, position INTEGER NOT NULL,
          revision INTEGER NOT NULL, serving INTEGER NOT NULL, PRIMARY KEY (name, generation)) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS document_v1 (
          kept TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kept, id)) WITHOUT ROWID;
        """;

    private readonly string _path;
    private readonly string _connection;
    private readonly Func<string?> _whyFull;

    /// <summary>Creates a store for a file, which is opened on first use.</summary>
    /// <param name="path">The journal's file.</param>
    /// <param name="lockTimeout">How long a write waits for another connection's lock, in seconds.</param>
    /// <param name="whyFull">Returns why nothing more should be written, because the remaining space belongs to the
    /// journal; null while there is room.</param>
    public SqliteDocuments(string path, int lockTimeout, Func<string?> whyFull)
    {
        (_path, _whyFull) = (path, whyFull);

        // A separate pool: settings of these connections must not apply to the journal's.
        _connection = new SqliteConnectionStringBuilder
        {
            DataSource = Path.GetFullPath(path), Mode = SqliteOpenMode.ReadWrite, DefaultTimeout = lockTimeout,
            Cache = SqliteCacheMode.Private, Pooling = true,
        }.ToString();
    }

    /// <inheritdoc/>
    public ValueTask OpenAsync(CancellationToken cancellationToken) => UseAsync(async connection =>
    {
        await ExecuteAsync(connection, null, Tables, [], cancellationToken);
        return true;
    }, cancellationToken).AsValueTask();

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<ProjectionHead>> HeadsAsync(CancellationToken cancellationToken) =>
        UseAsync<IReadOnlyList<ProjectionHead>>(async connection =>
        {
            await using var command = Command(
                connection, null,
                "SELECT name, generation, version, position, revision, serving FROM projection_v1 "
                + "ORDER BY name, generation", []);
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            var heads = new List<ProjectionHead>();
            while (await rows.ReadAsync(cancellationToken))
            {
                heads.Add(new ProjectionHead(
                    rows.GetString(0), rows.GetInt64(1), rows.GetInt32(2), new FeedPosition(rows.GetInt64(3)),
                    rows.GetInt64(4), rows.GetInt64(5) != 0));
            }

            return heads;
        }, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredDocument>> FindAsync(
        DocumentSet set, IReadOnlyCollection<string> ids, CancellationToken cancellationToken) =>
        UseAsync(
            connection => ReadAsync(
                connection,
                "SELECT id, body FROM document_v1 WHERE kept=@kept AND id IN (SELECT value FROM json_each(@ids))",
                [("@kept", set.ToString()), ("@ids", JsonSerializer.Serialize(ids))], cancellationToken),
            cancellationToken);

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<StoredDocument>> ListAsync(
        DocumentSet set, DocumentRange range, CancellationToken cancellationToken)
    {
        var (compare, order) = range.Descending ? ("<", "DESC") : (">", "ASC");
        return UseAsync(
            connection => ReadAsync(
                connection,
                "SELECT id, body FROM document_v1 WHERE kept=@kept AND id>=@prefix AND id<@end "
                + $"AND (@after IS NULL OR id{compare}@after) ORDER BY id {order} LIMIT @most",
                [
                    ("@kept", set.ToString()), ("@prefix", range.Prefix), ("@end", range.Prefix + '\uffff'),
                    ("@after", (object?)range.After ?? DBNull.Value), ("@most", (long)range.Most),
                ],
                cancellationToken),
            cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask CommitAsync(ProjectionBatch batch, CancellationToken cancellationToken) =>
        UseAsync(async connection =>
        {
            if (_whyFull() is { } full)
            {
                throw new JournalUnavailableException(full);
            }

            await using var transaction = connection.BeginTransaction(deferred: false);
            await MoveAsync(connection, transaction, batch, cancellationToken);
            foreach (var change in batch.Changes)
            {
                var kept = new DocumentSet(batch.To.Projection, batch.To.Generation, change.Kind).ToString();
                await ExecuteAsync(
                    connection, transaction,
                    change.Body is null
                        ? "DELETE FROM document_v1 WHERE kept=@kept AND id=@id"
                        : "INSERT INTO document_v1 VALUES (@kept, @id, @body) "
                            + "ON CONFLICT (kept, id) DO UPDATE SET body=excluded.body",
                    [("@kept", kept), ("@id", change.Id), ("@body", (object?)change.Body ?? DBNull.Value)],
                    cancellationToken);
            }

            await transaction.CommitAsync(cancellationToken);
            return true;
        }, cancellationToken).AsValueTask();

    /// <inheritdoc/>
    public ValueTask DropAsync(string projection, long generation, CancellationToken cancellationToken) =>
        UseAsync(async connection =>
        {
            (string, object)[] which = [("@name", projection), ("@generation", generation)];
            await ExecuteAsync(
                connection, null, "DELETE FROM projection_v1 WHERE name=@name AND generation=@generation", which,
                cancellationToken);

            // In parts, so that the journal's writer gets its turn in between.
            var prefix = new DocumentSet(projection, generation, "").ToString();
            var dropped = 0;
            do
            {
                dropped = await ExecuteAsync(
                    connection, null,
                    "DELETE FROM document_v1 WHERE (kept, id) IN (SELECT kept, id FROM document_v1 "
                    + "WHERE kept>=@prefix AND kept<@end LIMIT @most)",
                    [("@prefix", prefix), ("@end", prefix + '\uffff'), ("@most", (long)DroppedAtOnce)],
                    cancellationToken);
            }
            while (dropped == DroppedAtOnce);
            return true;
        }, cancellationToken).AsValueTask();

    /// <summary>Closes the file.</summary>
    public void Close()
    {
        using var connection = new SqliteConnection(_connection);
        SqliteConnection.ClearPool(connection);
    }

    private static async Task MoveAsync(
        SqliteConnection connection, SqliteTransaction transaction, ProjectionBatch batch, CancellationToken ct)
    {
        var to = batch.To;
        (string, object)[] values =
        [
            ("@name", to.Projection), ("@generation", to.Generation), ("@version", (long)to.Version),
            ("@position", to.Position.Value), ("@revision", to.Revision), ("@serving", to.Serving ? 1L : 0L),
            ("@from", batch.From?.Revision ?? 0),
        ];
        var moved = await ExecuteAsync(
            connection, transaction,
            batch.From is null
                ? "INSERT INTO projection_v1 VALUES (@name, @generation, @version, @position, @revision, @serving) "
                    + "ON CONFLICT DO NOTHING"
                : "UPDATE projection_v1 SET version=@version, position=@position, revision=@revision, "
                    + "serving=@serving WHERE name=@name AND generation=@generation AND revision=@from",
            values, ct);
        if (moved != 1)
        {
            throw new ProjectionMovedException(to);
        }
    }

    private static async Task<IReadOnlyList<StoredDocument>> ReadAsync(
        SqliteConnection connection, string sql, (string, object)[] values, CancellationToken cancellationToken)
    {
        await using var command = Command(connection, null, sql, values);
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var documents = new List<StoredDocument>();
        while (await rows.ReadAsync(cancellationToken))
        {
            documents.Add(new StoredDocument(rows.GetString(0), rows.GetString(1)));
        }

        return documents;
    }

    private static async Task<int> ExecuteAsync(
        SqliteConnection connection, SqliteTransaction? transaction, string sql, (string, object)[] values,
        CancellationToken cancellationToken)
    {
        await using var command = Command(connection, transaction, sql, values);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static SqliteCommand Command(
        SqliteConnection connection, SqliteTransaction? transaction, string sql, (string Name, object Value)[] values)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Transaction = transaction;
        foreach (var (name, value) in values)
        {
            if (sql.Contains(name, StringComparison.Ordinal))
            {
                command.Parameters.AddWithValue(name, value);
            }
        }

        return command;
    }

    private async ValueTask<T> UseAsync<T>(
        Func<SqliteConnection, Task<T>> use, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            // The library works on the caller's thread, and a caller in the actor system must not be blocked.
            return await Task.Run(
                async () =>
                {
                    await using var connection = new SqliteConnection(_connection);
                    await connection.OpenAsync(cancellationToken);
                    await ExecuteAsync(
                        connection, null, $"PRAGMA synchronous=NORMAL; {SqliteJournalSchema.Checkpoints}", [],
                        cancellationToken);
                    return await use(connection);
                },
                cancellationToken);
        }
        catch (SqliteException exception)
        {
            throw SqliteEventLog.Translate(_path, exception);
        }
    }
}

/// <summary>Discards a result.</summary>
file static class Tasks
{
    public static async ValueTask AsValueTask(this ValueTask<bool> task) => await task;
}

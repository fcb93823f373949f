// The only writer of a journal's file. All writes that wait when a commit is done go into the next transaction
// together, so that one sync serves them all (group commit). A write that the tables refuse (its number or its
// command's id is already used) fails alone. An error of the file fails the whole transaction, whose outcome is then
// unknown.
//
// A dedicated thread writes: SQLite works on the calling thread, which a commit blocks for a sync.
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Akka.Actor.Setup;
using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>A row of the table <c>journal</c> that is not written yet.</summary>
internal readonly record struct JournalRow(
    string PersistenceId, long Sequence, byte[] Message, string Tags, string Manifest, int Serializer, string Writer);

/// <summary>Writes rows of a journal's file in groups. Safe for concurrent use.</summary>
/// <param name="connection">The file's connection string.</param>
/// <param name="lockTimeout">How long a write waits for another connection's lock, in seconds.</param>
/// <param name="time">The clock for the rows' timestamps.</param>
internal sealed class SqliteWriter(string connection, int lockTimeout, TimeProvider time) : Setup, IDisposable
{
    private const int MostTogether = 1_000;
    private const int Constraint = 19;

    // The commands of many entities touch a page of each index each; pages that a small cache drops are read again.
    private const int CacheKiB = 32 * 1024;

    private const string Insert =
        "INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, tags, manifest, identifier, "
        + "writer_uuid) VALUES ($created, 0, $id, $sequence, $message, $tags, $manifest, $identifier, $writer)";

    private readonly BlockingCollection<Write> _waiting = [];
    private Thread? _thread;
    private SqliteConnection? _connection;
    private SqliteCommand? _insert;

    /// <summary>Starts the writer's thread.</summary>
    public void Start()
    {
        _thread = new Thread(Run) { IsBackground = true, Name = "journal writer" };
        _thread.Start();
    }

    /// <summary>Writes the rows of one command, all or none. Completes when they are on disk.</summary>
    /// <exception cref="SqliteException">The rows were not written, or the outcome is unknown.</exception>
    public Task WriteAsync(IReadOnlyList<JournalRow> rows)
    {
        var write = new Write(rows);
        try
        {
            _waiting.Add(write);
        }
        catch (InvalidOperationException exception)
        {
            write.Done.SetException(new JournalUnavailableException("The journal is closed.", exception));
        }

        return write.Done.Task;
    }

    /// <summary>Completes when the outcome of all earlier <see cref="WriteAsync"/> calls is known.</summary>
    public Task SettleAsync() => WriteAsync([]);

    /// <summary>Writes everything that waits, then stops the thread.</summary>
    public void Dispose()
    {
        _waiting.CompleteAdding();
        _thread?.Join();
        _waiting.Dispose();
    }

    private void Run()
    {
        var together = new List<Write>();
        foreach (var first in _waiting.GetConsumingEnumerable())
        {
            together.Add(first);
            while (together.Count < MostTogether && _waiting.TryTake(out var next))
            {
                together.Add(next);
            }

            Commit(together);
            together.Clear();
        }

        Disconnect();
    }

    // The boundary of the thread: any error is reported to the waiting callers.
    private void Commit(List<Write> writes)
    {
        try
        {
            if (writes.Exists(write => write.Rows.Count > 0))
            {
                var insert = Connect();
                Execute("BEGIN IMMEDIATE");
                foreach (var write in writes)
                {
                    write.Refusal = Put(insert, write.Rows);
                }

                Execute("COMMIT");
            }
        }
        catch (Exception exception)
        {
            // The next write begins with a fresh connection.
            Disconnect();
            foreach (var write in writes)
            {
                if (write.Rows.Count > 0)
                {
                    write.Done.SetException(exception);
                }
                else
                {
                    write.Done.SetResult();
                }
            }

            return;
        }

        foreach (var write in writes)
        {
            if (write.Refusal is { } refusal)
            {
                write.Done.SetException(refusal);
            }
            else
            {
                write.Done.SetResult();
            }
        }
    }

    /// <summary>
    /// Inserts the rows of one write. Returns the error when the tables refuse them, and then leaves no row.
    /// </summary>
    private SqliteException? Put(SqliteCommand insert, IReadOnlyList<JournalRow> rows)
    {
        var several = rows.Count > 1;
        if (several)
        {
            Execute("SAVEPOINT command");
        }

        SqliteException? refusal = null;
        try
        {
            foreach (var row in rows)
            {
                Set(insert, row);
                insert.ExecuteNonQuery();
            }
        }
        catch (SqliteException exception) when (exception.SqliteErrorCode == Constraint)
        {
            refusal = exception;
        }

        if (several)
        {
            Execute(refusal is null ? "RELEASE command" : "ROLLBACK TO command; RELEASE command");
        }

        return refusal;
    }

    private void Set(SqliteCommand insert, JournalRow row)
    {
        var parameters = insert.Parameters;
        parameters[0].Value = time.GetUtcNow().UtcTicks;
        parameters[1].Value = row.PersistenceId;
        parameters[2].Value = row.Sequence;
        parameters[3].Value = row.Message;
        parameters[4].Value = row.Tags;
        parameters[5].Value = row.Manifest;
        parameters[6].Value = row.Serializer;
        parameters[7].Value = row.Writer;
    }

    private SqliteCommand Connect()
    {
        if (_insert is not null)
        {
            return _insert;
        }

        _connection = new SqliteConnection(
            new SqliteConnectionStringBuilder(connection) { Pooling = false }.ToString());
        _connection.Open();
        Execute(string.Create(
            CultureInfo.InvariantCulture,
            $"PRAGMA busy_timeout={lockTimeout * 1_000}; PRAGMA cache_size={-CacheKiB}; "
            + $"{SqliteJournalSchema.Checkpoints}"));
        _insert = _connection.CreateCommand();
        _insert.CommandText = Insert;
        foreach (var (name, type) in new[]
        {
            ("$created", SqliteType.Integer), ("$id", SqliteType.Text), ("$sequence", SqliteType.Integer),
            ("$message", SqliteType.Blob), ("$tags", SqliteType.Text), ("$manifest", SqliteType.Text),
            ("$identifier", SqliteType.Integer), ("$writer", SqliteType.Text),
        })
        {
            _insert.Parameters.Add(name, type);
        }

        _insert.Prepare();
        return _insert;
    }

    private void Disconnect()
    {
        _insert?.Dispose();
        _connection?.Dispose();
        (_insert, _connection) = (null, null);
    }

    [SuppressMessage("Security", "CA2100:Review SQL queries", Justification = "Only texts of this class.")]
    private void Execute(string sql)
    {
        using var command = _connection!.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private sealed class Write(IReadOnlyList<JournalRow> rows)
    {
        public IReadOnlyList<JournalRow> Rows => rows;

        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public SqliteException? Refusal { get; set; }
    }
}

// A new journal is written under another name and gets its own name only when it is complete and on disk, so a journal
// that exists is always complete. The rows are those that the journal plugin writes.
using System.Globalization;
using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Serialization;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>Creates the file of a new journal from events and snapshots that were sealed elsewhere.</summary>
internal static class JournalFileWriter
{
    /// <summary>The value written in place of the id of the actor that wrote a row.</summary>
    public const string Writer = "import";

    private const string AddEvent =
        "INSERT INTO journal (created, deleted, persistence_id, sequence_number, message, tags, manifest, identifier, "
        + "writer_uuid) VALUES ($created, 0, $id, $sequence, $message, $tags, $manifest, $identifier, $writer)";

    private const string AddSnapshot =
        "INSERT INTO snapshot (persistence_id, sequence_number, created, snapshot, manifest, serializer_id) "
        + "VALUES ($id, $sequence, $created, $snapshot, $manifest, $serializer)";

    /// <summary>Creates the file durably, completely or not at all.</summary>
    /// <param name="file">The path of the file. It must not exist, but its directory must.</param>
    /// <param name="events">The events in the order of the feed. They get new positions, from 1.</param>
    /// <param name="snapshots">The snapshots, which are read after the events.</param>
    /// <exception cref="JournalUnavailableException">The file cannot be written.</exception>
    /// <exception cref="IOException">The file exists, or its directory cannot be written.</exception>
    public static void Write(string file, IEnumerable<RecordedEvent> events, IEnumerable<RecordedSnapshot> snapshots)
    {
        ArgumentNullException.ThrowIfNull(events);
        ArgumentNullException.ThrowIfNull(snapshots);
        var made = file + ".new";
        Remove(made);
        try
        {
            using (var connection = Open(made))
            {
                SqliteJournalSchema.Apply(connection, made);
                Execute(connection, "BEGIN IMMEDIATE");
                Add(connection, events);
                Add(connection, snapshots);
                Execute(connection, "COMMIT");
                MoveLogIntoFile(connection, made);
            }

            File.Move(made, file, overwrite: false);
            MakeNameDurable(file);
        }
        catch (SqliteException exception)
        {
            throw ReadOnlyDatabase.Translate(file, exception);
        }
        finally
        {
            Remove(made);
        }
    }

    /// <summary>Adds rows after the existing ones.</summary>
    /// <exception cref="SqliteException">The rows cannot be written.</exception>
    public static void Add(SqliteConnection connection, IEnumerable<RecordedEvent> events)
    {
        using var add = Prepare(
            connection, AddEvent, "$created", "$id", "$sequence", "$message", "$tags", "$manifest", "$identifier",
            "$writer");
        foreach (var recorded in events)
        {
            var stored = recorded.Event;
            var tags = stored.EndsCommand ? SqliteJournalSchema.TagOf(stored.CommandId) : "";
            Run(
                add, stored.Time.UtcTicks, recorded.Id.ToString(), stored.Sequence, recorded.Record, tags, stored.Name,
                SqliteJournalSchema.SerializerId, Writer);
        }
    }

    /// <summary>Adds snapshots.</summary>
    /// <exception cref="SqliteException">The snapshots cannot be written.</exception>
    public static void Add(SqliteConnection connection, IEnumerable<RecordedSnapshot> snapshots)
    {
        using var add = Prepare(
            connection, AddSnapshot, "$id", "$sequence", "$created", "$snapshot", "$manifest", "$serializer");
        foreach (var recorded in snapshots)
        {
            Run(
                add, recorded.Id.ToString(), recorded.Sequence, recorded.Snapshot?.DecidedAt.UtcTicks ?? 0,
                recorded.Record, StoredRecordForm.SnapshotName, SqliteJournalSchema.SerializerId);
        }
    }

    /// <summary>Opens a file for writing and creates it when it is missing.</summary>
    /// <exception cref="SqliteException">The file cannot be opened.</exception>
    public static SqliteConnection Open(string file)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path.GetFullPath(file), Pooling = false,
        }.ToString());
        try
        {
            connection.Open();
            return connection;
        }
        catch (SqliteException)
        {
            connection.Dispose();
            throw;
        }
    }

    private static void MoveLogIntoFile(SqliteConnection connection, string made)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(TRUNCATE)";
        if (Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture) != 0)
        {
            throw new JournalUnavailableException(
                $"The journal {made} is being read by another process while it is created; stop it and retry.");
        }
    }

    // A name is durable only when its directory is. SQLite syncs the directory with the first commit that creates a
    // file in it, so an empty commit is enough.
    private static void MakeNameDurable(string file)
    {
        using var connection = Open(file);
        SqliteJournalSchema.Check(connection, file);
        Execute(connection, $"BEGIN IMMEDIATE; PRAGMA user_version={SqliteJournalSchema.Version}; COMMIT");
    }

    private static SqliteCommand Prepare(SqliteConnection connection, string sql, params string[] parameters)
    {
        var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var name in parameters)
        {
            command.Parameters.Add(new SqliteParameter { ParameterName = name });
        }

        return command;
    }

    private static void Run(SqliteCommand command, params object[] values)
    {
        foreach (var (index, value) in values.Index())
        {
            command.Parameters[index].Value = value;
        }

        command.ExecuteNonQuery();
    }

    private static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private static void Remove(string file)
    {
        File.Delete(file);
        File.Delete(file + "-wal");
        File.Delete(file + "-shm");
    }
}

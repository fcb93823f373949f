using System.Data;
using System.Data.Common;
using Npgsql;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// A journal in PostgreSQL, read in one read-only transaction: it is seen as it was when it was opened, and a running
/// service is not blocked. Feed positions are counted from 1, because rolled-back numbers leave gaps in the database.
/// </summary>
internal sealed class RecordedPostgresJournal : RecordedJournal
{
    private const string Feed =
        $"SELECT row_number() OVER (ORDER BY tx, ordering) AS place, {RecordedRows.EventColumns} FROM journal";

    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;
    private readonly RecordedRows _rows = new();

    private RecordedPostgresJournal(string name, NpgsqlConnection connection, NpgsqlTransaction transaction)
        : base(name)
    {
        (_connection, _transaction) = (connection, transaction);
        EventCount = All("SELECT count(*) FROM journal", row => row.GetInt64(0)).Single();
        Streams = [.. InOrder(All(
            "SELECT DISTINCT persistence_id FROM journal", row => _rows.IdOf(RecordedRows.Text(row, 0))))];
        var snapshots = All(RecordedRows.AllSnapshots, _rows.Snapshot).ToLookup(snapshot => snapshot.Id);
        Snapshots = [.. InOrder(snapshots.Select(stream => stream.Key))
            .SelectMany(id => snapshots[id].OrderBy(snapshot => snapshot.Sequence))];
    }

    public override long EventCount { get; }

    public override bool IsWhole => true;

    public override IReadOnlyList<PersistenceId> Streams { get; }

    public override IReadOnlyList<RecordedSnapshot> Snapshots { get; }

    /// <summary>Opens the journal of a database, together with its archive.</summary>
    /// <exception cref="ReplayRefusedException">The connection string is invalid, or the archive is not
    /// given.</exception>
    /// <exception cref="JournalUnavailableException">The database does not respond or is not the engine's.</exception>
    public static RecordedJournal OfDatabase(string connectionString, string? archive)
    {
        NpgsqlConnectionStringBuilder builder;
        try
        {
            builder = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        }
        catch (ArgumentException exception)
        {
            throw new ReplayRefusedException(
                $"The connection string of --postgres cannot be read: {exception.Message.ReplaceLineEndings(" ")}");
        }

        var name = PostgresStore.NameOf(builder);
        var connection = new NpgsqlConnection(builder.ToString());
        try
        {
            connection.Open();
            PostgresSchema.Check(connection, name);
            var transaction = connection.BeginTransaction(IsolationLevel.RepeatableRead);
            return WithArchive(new RecordedPostgresJournal(name, connection, transaction), archive);
        }
        catch (DbException exception)
        {
            connection.Dispose();
            throw PostgresEventLog.Translate(name, exception);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static RecordedJournal WithArchive(RecordedPostgresJournal journal, string? archive)
    {
        var parts = PostgresSchema.HasArchive(journal._connection)
            ? journal.All(ArchivePart.All, ArchivePart.Read) : [];
        return parts.Count == 0 ? journal
            : archive is null ? throw new ReplayRefusedException(
                $"{parts.Sum(part => part.Count)} events of {journal.Path} are in its archive; name that directory "
                + "with --archive, which is 'archive' in the data directory of its service.")
            : new ArchivedJournal(journal, parts, new ArchiveDirectory(archive), inPlace: false);
    }

    // The database records the end of a stream only by its last row.
    public override StreamHead? DeclaredHead(PersistenceId id) => null;

    public override IEnumerable<RecordedEvent> ReadAll() => Rows($"{Feed} ORDER BY place", _rows.Event);

    public override IEnumerable<RecordedEvent> Read(PersistenceId id) => Rows(
        $"SELECT * FROM ({Feed}) AS feed WHERE persistence_id=$1 ORDER BY place", _rows.Event, _rows.TextOf(id));

    // The database takes care of its pages; that the indexes exist was checked when it was opened.
    public override IEnumerable<JournalDamage> CheckStore() => [];

    protected override void Dispose(bool disposing)
    {
        _transaction.Dispose();
        _connection.Dispose();
    }

    private List<T> All<T>(string sql, Func<DbDataReader, T> read) => [.. Rows(sql, read)];

    private IEnumerable<T> Rows<T>(string sql, Func<DbDataReader, T> read, params object[] values)
    {
        using var command = new NpgsqlCommand(sql, _connection, _transaction) { CommandTimeout = 0 };
        foreach (var value in values)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        }

        using var rows = Guard(command.ExecuteReader);
        while (Guard(rows.Read))
        {
            yield return read(rows);
        }
    }

    private T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (DbException exception)
        {
            throw PostgresEventLog.Translate(Path, exception);
        }
    }
}

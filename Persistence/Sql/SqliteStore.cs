using Akka.Actor.Setup;
using Akka.Persistence.Sql.Config;
using LinqToDB;
using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Documents;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// The default store: journal and snapshots in one SQLite file, written by Akka.Persistence.Sql. The process locks the
/// file while it runs. Replies are sent after the commit is on disk (WAL, synchronous FULL).
/// </summary>
internal sealed class SqliteStore : IEngineStore, IDisposable
{
    private const string ProviderName = "SQLite.MS";

    /// <summary>How long a write waits for a lock held by another connection, in seconds.</summary>
    private const int LockTimeout = 10;

    private readonly string _path;
    private readonly string _connection;
    private readonly TimeProvider _time;
    private readonly SqliteDocuments _documents;
    private readonly SqliteEventLog _log;
    private readonly JournalArchiver _archiver;
    private readonly ArchivedReplay _replay;
    private FileLock? _lock;
    private SqliteWriter? _writer;
    private FreeSpace? _space;

    /// <summary>Creates a store for a file, which <see cref="Open"/> opens.</summary>
    public SqliteStore(string path, TimeProvider time)
    {
        _path = path;
        _time = time;
        _connection = new SqliteConnectionStringBuilder
        {
            DataSource = path, Mode = SqliteOpenMode.ReadWrite, DefaultTimeout = LockTimeout, Pooling = true,
        }.ToString();
        var archive = ArchiveDirectory.Beside(path);
        _log = new SqliteEventLog(path, _connection, archive);
        _archiver = new JournalArchiver(_log, archive);
        _replay = new ArchivedReplay(_log, archive);
        _documents = new SqliteDocuments(path, LockTimeout, WhyFull);
    }

    /// <inheritdoc/>
    public IEventLog Log => _log;

    /// <inheritdoc/>
    public IDocumentStore Documents => _documents;

    /// <inheritdoc/>
    public string Configuration => SqlPlugins.Configuration(writers: 1, typeof(GroupedJournal));

    /// <inheritdoc/>
    public IReadOnlyList<Setup> Setups =>
    [
        new DataOptionsSetup(new DataOptions()
            .UseConnectionString(ProviderName, _connection).UseInterceptor(new SqliteConnections(LockTimeout))),
        _replay,
        _writer ?? throw new InvalidOperationException("The store is not open."),
    ];

    /// <inheritdoc/>
    public void Open()
    {
        _lock = FileLock.Take(_path);
        try
        {
            using var connection = new SqliteConnection(new SqliteConnectionStringBuilder
            {
                DataSource = _path, Mode = SqliteOpenMode.ReadWriteCreate, DefaultTimeout = LockTimeout,
                Pooling = false,
            }.ToString());
            connection.Open();
            if (SqliteJournalSchema.Apply(connection, _path))
            {
                _log.NoteArchive();
            }

            _space = new FreeSpace(_path, _time);
            _writer = new SqliteWriter(_connection, LockTimeout, _time);
            _writer.Start();
        }
        catch (SqliteException exception)
        {
            Close();
            throw SqliteEventLog.Translate(_path, exception);
        }
        catch
        {
            Close();
            throw;
        }
    }

    /// <inheritdoc/>
    public string? WhyFull() => _space?.WhyFull();

    /// <inheritdoc/>
    public ValueTask<ArchivedEvents> ArchiveAsync(
        DateTimeOffset before, int atLeast, CancellationToken cancellationToken) =>
        _archiver.RunAsync(before, atLeast, cancellationToken);

    /// <inheritdoc/>
    public void Close()
    {
        _writer?.Dispose();
        _writer = null;
        using (var connection = new SqliteConnection(_connection))
        {
            SqliteConnection.ClearPool(connection);
        }

        _documents.Close();
        _lock?.Dispose();
        _lock = null;
    }

    /// <inheritdoc/>
    public void Dispose() => Close();
}

using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
using Akka.Actor.Setup;
using Akka.Persistence.Sql.Config;
using LinqToDB;
using Npgsql;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.Documents;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Stores journal and snapshots in a PostgreSQL database (15 or later), written by Akka.Persistence.Sql.
/// </summary>
internal sealed class PostgresStore : ISharedStore, IDisposable
{
    private const string ProviderName = "PostgreSQL.15";

    // A process that is paused in the middle of a transaction must not block the others from its rows.
    private const string SessionLimits =
        "-c idle_in_transaction_session_timeout=3000 -c lock_timeout=4000 -c statement_timeout=8000";

    private const int LongestConnecting = 5;
    private const int Writers = 3;

    private readonly string _connection;
    private readonly NpgsqlDataSource _source;
    private readonly string _name;
    private readonly MartenDocuments _documents;
    private readonly TimeProvider _time;
    private readonly PostgresEventLog _log;
    private readonly JournalArchiver? _archiver;
    private readonly ArchivedReplay _replay;
    private PostgresLock? _lock;

    /// <summary>Creates a store for a database without connecting yet.</summary>
    /// <param name="connection">The connection string.</param>
    /// <param name="archive">The directory to which old events are moved; null when none are.</param>
    /// <param name="time">The clock for the periodic check that the journal still belongs to this process.</param>
    /// <exception cref="ArgumentException">The connection string is invalid.</exception>
    public PostgresStore(string connection, string? archive, TimeProvider time)
    {
        var builder = new NpgsqlConnectionStringBuilder(connection);
        builder.Options = $"{builder.Options} {SessionLimits}".Trim();
        builder.Timeout = Math.Min(builder.Timeout, LongestConnecting);
        _connection = builder.ToString();
        _time = time;
        _name = NameOf(builder);
        _source = NpgsqlDataSource.Create(builder);
        var directory = archive is null ? null : new ArchiveDirectory(archive);
        _log = new PostgresEventLog(_name, _source, directory);
        _archiver = directory is null ? null : new JournalArchiver(_log, directory);
        _replay = new ArchivedReplay(_log, directory);
        _documents = new MartenDocuments(_name, _source);
    }

    /// <summary>Returns the name of a database in messages.</summary>
    public static string NameOf(NpgsqlConnectionStringBuilder builder) =>
        $"{builder.Database ?? builder.Username ?? Environment.UserName} on {builder.Host}:{builder.Port}";

    /// <inheritdoc/>
    public IEventLog Log => _log;

    /// <inheritdoc/>
    public IDocumentStore Documents => _documents;

    /// <inheritdoc/>
    public string Configuration =>
        SqlPlugins.Configuration(Writers, typeof(ArchivingJournal), CommandTagger.Configuration);

    /// <inheritdoc/>
    public IReadOnlyList<Setup> Setups =>
        [new DataOptionsSetup(new DataOptions().UseConnectionString(ProviderName, _connection)), _replay];

    /// <inheritdoc/>
    public void Open()
    {
        try
        {
            _lock = new PostgresLock(_connection, _name, _time);
            _lock.Acquire();
            OpenAlongside();
        }
        catch (DbException exception)
        {
            Close();
            throw PostgresEventLog.Translate(_name, exception);
        }
        catch
        {
            Close();
            throw;
        }
    }

    /// <inheritdoc/>
    public void OpenAlongside()
    {
        try
        {
            using var connection = _source.OpenConnection();
            if (PostgresSchema.Apply(connection, _name))
            {
                _log.NoteArchive();
            }
        }
        catch (DbException exception)
        {
            throw PostgresEventLog.Translate(_name, exception);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<bool> TryFoundAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await (_lock ??= new PostgresLock(_connection, _name, _time)).TryFoundAsync(cancellationToken);
        }
        catch (DbException exception)
        {
            throw PostgresEventLog.Translate(_name, exception);
        }
    }

    /// <inheritdoc/>
    public void Share() => (_lock ??= new PostgresLock(_connection, _name, _time)).Share();

    /// <inheritdoc/>
    public string? WhyFull() => _lock?.Taken;

    /// <inheritdoc/>
    public async ValueTask<ArchivedEvents> ArchiveAsync(
        DateTimeOffset before, int atLeast, CancellationToken cancellationToken)
    {
        if (_archiver is null)
        {
            return new ArchivedEvents(0, 0, []);
        }

        // Of two processes that move the same events, one would fail half-way.
        NpgsqlConnection session;
        try
        {
            session = await _source.OpenConnectionAsync(cancellationToken);
        }
        catch (DbException exception)
        {
            throw PostgresEventLog.Translate(_name, exception);
        }

        await using (session)
        {
            if (!await AnswerAsync(session, "SELECT pg_try_advisory_lock(1380993588)", cancellationToken))
            {
                throw new JournalUnavailableException(
                    $"Another process is moving events of the journal {_name} to its archive; retry later.");
            }

            try
            {
                return await _archiver.RunAsync(before, atLeast, cancellationToken);
            }
            finally
            {
                // A pooled session would keep the lock.
                await AnswerAsync(session, "SELECT pg_advisory_unlock(1380993588)", CancellationToken.None);
            }
        }
    }

    /// <inheritdoc/>
    public void Close()
    {
        _lock?.Dispose();
        _lock = null;
        _source.Clear();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Close();
        _documents.Dispose();
        _source.Dispose();
    }

    [SuppressMessage("Security", "CA2100:Review SQL queries", Justification = "Only texts of this class.")]
    private async Task<bool> AnswerAsync(NpgsqlConnection session, string question, CancellationToken cancellationToken)
    {
        try
        {
            await using var command = new NpgsqlCommand(question, session);
            return await command.ExecuteScalarAsync(cancellationToken) is true;
        }
        catch (DbException exception)
        {
            throw PostgresEventLog.Translate(_name, exception);
        }
    }
}

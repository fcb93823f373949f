using System.Data.Common;
using Akka.Actor.Setup;
using Akka.Persistence.Sql.Config;
using LinqToDB;
using Npgsql;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.Documents;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Journal and snapshots in a PostgreSQL database (15 or later), written by Akka.Persistence.Sql.</summary>
internal sealed class PostgresStore : IEngineStore, IDisposable
{
    private const string ProviderName = "PostgreSQL.15";

    // A process that is paused in the middle of a transaction must not keep the others from its rows.
    private const string SessionLimits =
        "-c idle_in_transaction_session_timeout=3000 -c lock_timeout=4000 -c statement_timeout=8000";

    private const int LongestConnecting = 5;
    private const int Writers = 3;

    private readonly string _connection;
    private readonly NpgsqlDataSource _source;
    private readonly string _name;
    private readonly MartenDocuments _documents;

    /// <summary>Names the database; nothing is connected yet.</summary>
    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    public PostgresStore(string connection)
    {
        var builder = new NpgsqlConnectionStringBuilder(connection);
        builder.Options = $"{builder.Options} {SessionLimits}".Trim();
        builder.Timeout = Math.Min(builder.Timeout, LongestConnecting);
        _connection = builder.ToString();
        _name = NameOf(builder);
        _source = NpgsqlDataSource.Create(builder);
        Log = new PostgresEventLog(_name, _source);
        _documents = new MartenDocuments(_name, _source);
    }

    /// <summary>How messages name a database.</summary>
    public static string NameOf(NpgsqlConnectionStringBuilder builder) =>
        $"{builder.Database ?? builder.Username} on {builder.Host}:{builder.Port}";

    /// <inheritdoc/>
    public IEventLog Log { get; }

    /// <inheritdoc/>
    public IDocumentStore Documents => _documents;

    /// <inheritdoc/>
    public string Configuration => SqlPlugins.Configuration(writers: Writers);

    /// <inheritdoc/>
    public IReadOnlyList<Setup> Setups =>
        [new DataOptionsSetup(new DataOptions().UseConnectionString(ProviderName, _connection))];

    /// <inheritdoc/>
    public void Open()
    {
        try
        {
            using var connection = _source.OpenConnection();
            PostgresSchema.Apply(connection, _name);
        }
        catch (DbException exception)
        {
            throw PostgresEventLog.Translate(_name, exception);
        }
    }

    /// <inheritdoc/>
    public string? WhyFull() => null;

    /// <inheritdoc/>
    public void Close() => _source.Clear();

    /// <inheritdoc/>
    public void Dispose()
    {
        _documents.Dispose();
        _source.Dispose();
    }
}

using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Selects the PostgreSQL store.</summary>
public static class PostgresBuilderExtensions
{
    /// <summary>
    /// Stores everything in a PostgreSQL database (15 or later) that belongs to the engine. Missing tables are created.
    /// Replies are sent after the commit.
    /// </summary>
    /// <param name="builder">The builder of the engine.</param>
    /// <param name="connection">The connection string, such as <c>Host=db;Database=engine;Username=engine</c>.</param>
    /// <param name="archive">The directory to which old events are moved. It must never change and be the same for all
    /// processes that open the journal. Null keeps all events in the database.</param>
    /// <exception cref="ArgumentException">The connection string is invalid.</exception>
    /// <exception cref="JournalInUseException">At start: another process has the journal open.</exception>
    /// <exception cref="JournalUnavailableException">At start: the database does not respond or is not the
    /// engine's.</exception>
    public static ReplicationEngineBuilder UsePostgreSql(
        this ReplicationEngineBuilder builder, string connection, string? archive = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(connection);
        _ = new NpgsqlConnectionStringBuilder(connection);
        builder.Services.AddSingleton<IEngineStore>(
            services => new PostgresStore(connection, archive, services.GetRequiredService<TimeProvider>()));
        return builder;
    }
}

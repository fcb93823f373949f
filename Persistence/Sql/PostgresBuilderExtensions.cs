using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Chooses the PostgreSQL store.</summary>
public static class PostgresBuilderExtensions
{
    /// <summary>
    /// Keeps everything in a PostgreSQL database (15 or later) of the engine's own; its tables are created when they
    /// are missing. Every answer comes after the commit.
    /// </summary>
    /// <param name="builder">The engine.</param>
    /// <param name="connection">The connection string, such as <c>Host=db;Database=engine;Username=engine</c>.</param>
    /// <param name="archive">
    /// The directory that old events are moved to, the same for ever and for all who open the journal; null leaves all
    /// events in the database.
    /// </param>
    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    /// <exception cref="JournalInUseException">At start: another process has it open.</exception>
    /// <exception cref="JournalUnavailableException">At start: the database does not answer, or is not the
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

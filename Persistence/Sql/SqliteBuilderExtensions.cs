using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Selects the SQLite store.</summary>
public static class SqliteBuilderExtensions
{
    /// <summary>
    /// Stores everything in one SQLite file, which is created when it is missing and locked by this process while it
    /// runs. Replies are sent after the commit is on disk.
    /// </summary>
    /// <param name="builder">The builder of the engine.</param>
    /// <param name="path">The path of the file. Its directory is created when it is missing.</param>
    /// <exception cref="JournalInUseException">At start: another process has the file open.</exception>
    public static ReplicationEngineBuilder UseSqlite(this ReplicationEngineBuilder builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        builder.Services.AddSingleton<IEngineStore>(
            services => new SqliteStore(path, services.GetRequiredService<TimeProvider>()));
        return builder;
    }
}

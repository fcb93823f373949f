using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Chooses the SQLite store.</summary>
public static class SqliteBuilderExtensions
{
    /// <summary>
    /// Keeps everything in one SQLite file, which is created when it is missing and belongs to this process as long as
    /// it runs. Every answer comes after the commit is on the disk.
    /// </summary>
    /// <param name="builder">The engine.</param>
    /// <param name="path">The file; its directory is created when it is missing.</param>
    /// <exception cref="JournalInUseException">At start: another process has it open.</exception>
    public static ReplicationEngineBuilder UseSqlite(this ReplicationEngineBuilder builder, string path)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        builder.Services.AddSingleton<IEngineStore>(
            services => new SqliteStore(path, services.GetRequiredService<TimeProvider>()));
        return builder;
    }
}

using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sqlite;

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
        builder.Services.AddSingleton(_ => new SqliteStore(path));
        builder.Services.AddSingleton<IEventJournal>(services => services.GetRequiredService<SqliteStore>());
        builder.Services.AddSingleton<IReminderIndex>(services => services.GetRequiredService<SqliteStore>());
        builder.Services.AddSingleton<ISnapshotStore>(services => services.GetRequiredService<SqliteStore>());
        builder.Services.AddSingleton<ILeaseStore>(services => services.GetRequiredService<SqliteStore>().Leases);
        return builder;
    }
}

using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Benchmarks.Journaling;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>The kind of store that holds a measured engine's events.</summary>
internal enum StoreKind
{
    Memory,
    Sqlite,
    Postgres,
}

/// <summary>A new, empty store for events, for the engine and for its plain peer.</summary>
internal sealed record BenchStore(StoreKind Kind, string Place)
{
    /// <summary>Makes a store, runs a measurement with it, and removes it.</summary>
    public static async Task<double> UseAsync(StoreKind kind, Func<BenchStore, Task<double>> measure)
    {
        if (kind == StoreKind.Postgres)
        {
            return await RawPostgres.WithDatabaseAsync(
                connection => measure(new BenchStore(kind, connection)));
        }

        var directory = Directory.CreateTempSubdirectory("bench-engine-");
        try
        {
            return await measure(new BenchStore(kind, Path.Combine(directory.FullName, "journal.db")));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    /// <summary>Configures an engine to use the store.</summary>
    public void Choose(ReplicationEngineBuilder builder) => _ = Kind switch
    {
        StoreKind.Memory => builder.UseInMemory(),
        StoreKind.Sqlite => builder.UseSqlite(Place),
        _ => builder.UsePostgreSql(Place),
    };

    /// <summary>Returns a new instance of the store.</summary>
    public IEngineStore Make() => Kind switch
    {
        StoreKind.Memory => new MemoryStore(),
        StoreKind.Sqlite => new SqliteStore(Place, TimeProvider.System),
        _ => new PostgresStore(Place, archive: null, TimeProvider.System),
    };
}

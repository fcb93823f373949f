using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Benchmarks.Journaling;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>Where a measured engine keeps its events.</summary>
internal enum StoreKind
{
    Memory,
    Sqlite,
    Postgres,
}

/// <summary>A new, empty place for events, as the engine and as its plain peer take it.</summary>
internal sealed record BenchStore(StoreKind Kind, string Place)
{
    /// <summary>Makes one, measures with it, and removes it.</summary>
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

    /// <summary>Chooses it for an engine.</summary>
    public void Choose(ReplicationEngineBuilder builder) => _ = Kind switch
    {
        StoreKind.Memory => builder.UseInMemory(),
        StoreKind.Sqlite => builder.UseSqlite(Place),
        _ => builder.UsePostgreSql(Place),
    };

    /// <summary>The store itself.</summary>
    public IEngineStore Make() => Kind switch
    {
        StoreKind.Memory => new MemoryStore(),
        StoreKind.Sqlite => new SqliteStore(Place, TimeProvider.System),
        _ => new PostgresStore(Place, archive: null, TimeProvider.System),
    };
}

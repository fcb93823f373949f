using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Looks at a journal in PostgreSQL before an engine runs on it.</summary>
public static class PostgresJournal
{
    /// <summary>
    /// The number of the last event of each stream of a type; sets the database up when it is empty.
    /// </summary>
    /// <param name="connection">The connection string.</param>
    /// <param name="type">The entity type.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentException">The connection string cannot be read.</exception>
    /// <exception cref="JournalUnavailableException">The database does not answer, or is not the engine's.</exception>
    public static async Task<IReadOnlyDictionary<PersistenceId, long>> EndsAsync(
        string connection, string type, CancellationToken cancellationToken)
    {
        using var store = new PostgresStore(connection, archive: null, TimeProvider.System);
        store.OpenAlongside();
        return await ((SqlEventLog)store.Log).EndsAsync(type, cancellationToken);
    }
}

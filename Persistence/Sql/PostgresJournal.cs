using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>Inspects a journal in PostgreSQL before an engine runs on it.</summary>
public static class PostgresJournal
{
    /// <summary>
    /// Returns the number of the last event of each stream of a type. Creates the tables when the database is empty.
    /// </summary>
    /// <param name="connection">The connection string.</param>
    /// <param name="type">The entity type.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ArgumentException">The connection string is invalid.</exception>
    /// <exception cref="JournalUnavailableException">The database does not respond or is not the engine's.</exception>
    public static async Task<IReadOnlyDictionary<PersistenceId, long>> EndsAsync(
        string connection, string type, CancellationToken cancellationToken)
    {
        using var store = new PostgresStore(connection, archive: null, TimeProvider.System);
        store.OpenAlongside();
        return await ((SqlEventLog)store.Log).EndsAsync(type, cancellationToken);
    }
}

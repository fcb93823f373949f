using System.Data.Common;
using System.Globalization;
using LinqToDB.Interceptors;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Keeps the plugins' own threads free. Microsoft.Data.Sqlite works on the caller's thread, which would block during a
/// snapshot's commit or a recovery's reads, so each operation leaves that thread before it opens its connection.
/// (Events are written by <see cref="SqliteWriter"/>.)
/// </summary>
/// <param name="lockTimeout">How long a write waits for another connection's lock, in seconds.</param>
internal sealed class SqliteConnections(int lockTimeout) : ConnectionInterceptor
{
    /// <inheritdoc/>
    public override async Task ConnectionOpeningAsync(
        ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken) =>
        await Task.Yield();

    /// <summary>
    /// Lets SQLite itself wait for the lock of another connection (that of the projections). SQLite retries after a
    /// millisecond, Microsoft.Data.Sqlite after 150.
    /// </summary>
    public override void ConnectionOpened(ConnectionEventData eventData, DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = string.Create(
            CultureInfo.InvariantCulture,
            $"PRAGMA busy_timeout={lockTimeout * 1_000}; {SqliteJournalSchema.Checkpoints}");
        command.ExecuteNonQuery();
    }

    /// <inheritdoc cref="ConnectionOpened"/>
    public override Task ConnectionOpenedAsync(
        ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken)
    {
        ConnectionOpened(eventData, connection);
        return Task.CompletedTask;
    }
}

using System.Data.Common;
using System.Globalization;
using LinqToDB.Interceptors;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Lets writes gather while one is being synced. Microsoft.Data.Sqlite works on the caller's thread, which is that of
/// the plugin's stream: as long as a commit holds it up, the stream cannot put the next batch together. So each write
/// leaves that thread before it opens its connection.
/// </summary>
/// <param name="lockTimeout">How long a write waits for another connection's (s).</param>
internal sealed class GroupCommit(int lockTimeout) : ConnectionInterceptor
{
    /// <inheritdoc/>
    public override async Task ConnectionOpeningAsync(
        ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken) =>
        await Task.Yield();

    /// <summary>
    /// Has SQLite itself wait for the lock of another connection (that of the projections): it looks again after a
    /// millisecond, Microsoft.Data.Sqlite after 150.
    /// </summary>
    public override void ConnectionOpened(ConnectionEventData eventData, DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = string.Create(
            CultureInfo.InvariantCulture, $"PRAGMA busy_timeout={lockTimeout * 1_000}");
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

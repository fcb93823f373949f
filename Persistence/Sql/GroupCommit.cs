using System.Data.Common;
using LinqToDB.Interceptors;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Lets writes gather while one is being synced. Microsoft.Data.Sqlite works on the caller's thread, which is that of
/// the plugin's stream: as long as a commit holds it up, the stream cannot put the next batch together. So each write
/// leaves that thread before it opens its connection.
/// </summary>
internal sealed class GroupCommit : ConnectionInterceptor
{
    /// <inheritdoc/>
    public override async Task ConnectionOpeningAsync(
        ConnectionEventData eventData, DbConnection connection, CancellationToken cancellationToken) =>
        await Task.Yield();
}

using Microsoft.AspNetCore.Connections;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Vault.Agents;

namespace ReplicationEngine.Vault.Access;

/// <summary>
/// Limits the connections that have not yet carried an admitted request. At most <paramref name="mostUnproven"/> of
/// these unproven connections are kept, each for at most ten seconds; when one more arrives, the oldest is closed. Idle
/// connections, however many are held or reopened, therefore cannot block a client that sends its request at once (S3,
/// F20). Safe to use from several tasks.
/// </summary>
/// <param name="mostUnproven">The most unproven connections that are kept.</param>
/// <param name="time">The clock of the deadline.</param>
internal sealed class ConnectionDoor(int mostUnproven, TimeProvider time)
{
    private const int FewestKept = 32;
    private const int MostKept = 512;
    private static readonly TimeSpan FirstRequestWithin = TimeSpan.FromSeconds(10);

    private readonly UnprovenConnections _unproven = new(mostUnproven, FirstRequestWithin, time);
    private readonly OpenFileAllowance _files = new();

    /// <summary>Returns how many unproven connections a process with the given limit of open files keeps.</summary>
    public static int MostOf(long openFileLimit) => (int)Math.Clamp(openFileLimit / 8, FewestKept, MostKept);

    /// <summary>The number of connections that are unproven now.</summary>
    public int Unproven => _unproven.Count;

    /// <summary>Serves a connection until it ends; closes it at once when no descriptor is left for it.</summary>
    public async Task ServeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        if (!_files.TryTake())
        {
            _unproven.DropOldest();
            return;
        }

        using var standing = new Standing(_unproven.Enter(CancellationToken.None), connection);
        connection.Features.Set(standing);
        await next(connection);
    }

    /// <summary>The connection feature that records whether the connection has carried an admitted request.</summary>
    internal sealed class Standing : IDisposable
    {
        private readonly UnprovenConnections.Place _place;
        private readonly CancellationTokenRegistration _drop;

        public Standing(UnprovenConnections.Place place, ConnectionContext connection)
        {
            _place = place;
            _drop = place.Over.Register(static c => ((ConnectionContext)c!).Abort(), connection);
        }

        /// <summary>Marks the connection as proven. From then on only the web server's own limits end it.</summary>
        public void Prove() => Dispose();

        /// <inheritdoc/>
        public void Dispose()
        {
            // The order matters: a drop after this line ends no connection.
            _drop.Dispose();
            _place.Dispose();
        }
    }
}

using Microsoft.AspNetCore.Connections;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Vault.Agents;

namespace ReplicationEngine.Vault.Access;

/// <summary>
/// Stands in front of the web server. A connection that has carried no admitted request yet has proved nothing: only so
/// many of these are kept, each for ten seconds at most, and when one more comes the oldest ends. So connections that
/// say nothing, however many are held or opened again, hold up no client that sends its request at once (S3, F20).
/// Safe to use from several tasks.
/// </summary>
/// <param name="mostUnproven">As many are kept.</param>
/// <param name="time">The clock behind the deadline.</param>
internal sealed class ConnectionDoor(int mostUnproven, TimeProvider time)
{
    private const int FewestKept = 32;
    private const int MostKept = 512;
    private static readonly TimeSpan FirstRequestWithin = TimeSpan.FromSeconds(10);

    private readonly UnprovenConnections _unproven = new(mostUnproven, FirstRequestWithin, time);
    private readonly OpenFileAllowance _files = new();

    /// <summary>How many unproven connections a process keeps that may have so many files open.</summary>
    public static int MostOf(long openFileLimit) => (int)Math.Clamp(openFileLimit / 8, FewestKept, MostKept);

    /// <summary>How many connections have proved nothing yet.</summary>
    public int Unproven => _unproven.Count;

    /// <summary>Serves a connection until it ends; at once when no descriptor is left for it.</summary>
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

    /// <summary>A connection's feature: whether it has carried a request that was admitted.</summary>
    internal sealed class Standing : IDisposable
    {
        private readonly UnprovenConnections.Place _place;
        private readonly CancellationTokenRegistration _drop;

        public Standing(UnprovenConnections.Place place, ConnectionContext connection)
        {
            _place = place;
            _drop = place.Over.Register(static c => ((ConnectionContext)c!).Abort(), connection);
        }

        /// <summary>It has: nothing but the web server's own limits ends it from now on.</summary>
        public void Prove() => Dispose();

        /// <inheritdoc/>
        public void Dispose()
        {
            // In this order: what is dropped from now on ends no connection.
            _drop.Dispose();
            _place.Dispose();
        }
    }
}

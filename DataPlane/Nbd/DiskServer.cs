using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// One process's NBD server: on the sockets that the parent passed on (systemd socket activation) or else on a unix
/// socket in the data directory, or, where that path is too long for a socket, in a private directory elsewhere
/// (<see cref="SocketPlace"/>). Used by agent and service alike.
/// </summary>
public sealed class DiskServer : IAsyncDisposable
{
    private readonly NbdServer _server;
    private readonly NbdListener _listener;

    /// <summary>Listens.</summary>
    /// <param name="dataDirectory">The process's data directory.</param>
    /// <param name="socketPath">Another path for the socket; null means <c>nbd.sock</c> in the data directory.</param>
    /// <param name="time">The clock.</param>
    /// <param name="access">Who may connect; null means the process's user only. A socket that was passed on has its
    /// own.</param>
    /// <param name="acceptAtOnce">Whether clients are accepted before <see cref="StartAccepting"/>.</param>
    /// <exception cref="NbdListenException">The socket cannot be had; the message says why.</exception>
    public DiskServer(
        string dataDirectory, string? socketPath, TimeProvider time, UnixSocketAccess? access = null,
        bool acceptAtOnce = true)
    {
        _server = new NbdServer(new NbdServerOptions { Time = time, AcceptAtOnce = acceptAtOnce });
        _listener = _server.ListenInherited() is [var inherited, ..]
            ? inherited
            : _server.ListenUnix(socketPath ?? SocketPlace.Of(dataDirectory, Path.GetTempPath()), access);
    }

    /// <summary>Serves a disk under a name, in the place of what was served under it; answers its NBD URI.</summary>
    public async Task<string> ServeAsync(
        string name, IBlockDevice device, bool readOnly, string description, CancellationToken cancellationToken)
    {
        await _server.ReplaceExportAsync(new NbdExport(name, device, readOnly, description), cancellationToken);
        return _listener.UriOf(name);
    }

    /// <summary>Who uses what is served under a name.</summary>
    public IReadOnlyList<NbdPeer> ClientsOf(string name) => _server.ClientsOf(name);

    /// <summary>Announces a name that will be served soon: its clients may wait for it.</summary>
    public void Expect(string name) => _server.Expect(name);

    /// <summary>Ends serving a name; when this completes, its device is used no more.</summary>
    public Task StopAsync(string name, CancellationToken cancellationToken) =>
        _server.RemoveExportAsync(name, cancellationToken);

    /// <summary>
    /// Takes in clients, those included that came since the socket was there. To be called when all that was served
    /// before a restart is served or expected again, so that none of them is told that its disk is not there.
    /// </summary>
    public void StartAccepting() => _server.StartAccepting();

    /// <summary>
    /// Accepts no more clients, while what is served goes on. To be called before the exports of a process that ends
    /// are taken away: a newcomer is held by a socket that was passed on or refused by the process's own, and is not
    /// told that its disk is not there.
    /// </summary>
    public Task StopAcceptingAsync() => _server.StopAcceptingAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

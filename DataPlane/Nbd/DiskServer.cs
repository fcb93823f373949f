using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// The NBD server of a process. Listens on the sockets that the parent passed on (systemd socket activation), otherwise
/// on a unix socket in the data directory, or, if that path is too long for a socket, in a private directory elsewhere
/// (<see cref="SocketPlace"/>). Used by agent and service alike.
/// </summary>
public sealed class DiskServer : IAsyncDisposable
{
    private readonly NbdServer _server;
    private readonly NbdListener _listener;

    /// <summary>Creates the server and starts to listen.</summary>
    /// <param name="dataDirectory">The process's data directory.</param>
    /// <param name="socketPath">The path of the socket; null means <c>nbd.sock</c> in the data directory.</param>
    /// <param name="time">The source of time for deadlines.</param>
    /// <param name="access">
    /// The users that may connect; null means the process's user only. A socket that was passed on has its own
    /// permissions.
    /// </param>
    /// <param name="acceptAtOnce">Whether clients are accepted before <see cref="StartAccepting"/>.</param>
    /// <exception cref="NbdListenException">The socket cannot be opened. The message names the reason.</exception>
    public DiskServer(
        string dataDirectory, string? socketPath, TimeProvider time, UnixSocketAccess? access = null,
        bool acceptAtOnce = true)
    {
        _server = new NbdServer(new NbdServerOptions { Time = time, AcceptAtOnce = acceptAtOnce });
        _listener = _server.ListenInherited() is [var inherited, ..]
            ? inherited
            : _server.ListenUnix(socketPath ?? SocketPlace.Of(dataDirectory, Path.GetTempPath()), access);
    }

    /// <summary>Serves a disk under a name, replacing the export of that name. Returns the export's NBD URI.</summary>
    public async Task<string> ServeAsync(
        string name, IBlockDevice device, bool readOnly, string description, CancellationToken cancellationToken)
    {
        await _server.ReplaceExportAsync(new NbdExport(name, device, readOnly, description), cancellationToken);
        return _listener.UriOf(name);
    }

    /// <summary>Returns the clients of the export with a name.</summary>
    public IReadOnlyList<NbdPeer> ClientsOf(string name) => _server.ClientsOf(name);

    /// <summary>Announces a name that will be served soon: its clients may wait for it.</summary>
    public void Expect(string name) => _server.Expect(name);

    /// <summary>Stops serving a name. When the task completes, the device is no longer used.</summary>
    public Task StopAsync(string name, CancellationToken cancellationToken) =>
        _server.RemoveExportAsync(name, cancellationToken);

    /// <summary>
    /// Starts to accept clients, including those that connected after the socket was opened. Call it when all disks
    /// that were served before a restart are served or expected again, so that no client is refused for a missing disk.
    /// </summary>
    public void StartAccepting() => _server.StartAccepting();

    /// <summary>
    /// Stops accepting clients; existing connections continue. Call it before a process that ends withdraws its
    /// exports: new clients then wait on a socket that was passed on, or are refused by the process's own socket, but
    /// are never refused for a missing disk.
    /// </summary>
    public Task StopAcceptingAsync() => _server.StopAcceptingAsync();

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

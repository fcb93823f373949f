using System.Net;
using System.Net.Sockets;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// Serves disks over NBD, on any number of unix and TCP sockets. All members are safe for several threads. Devices
/// belong to the caller; when <see cref="RemoveExportAsync"/>, <see cref="ReplaceExportAsync"/> or
/// <see cref="DisposeAsync"/> has completed, the device is no longer used and may be disposed of.
/// </summary>
internal sealed class NbdServer(NbdServerOptions options) : IAsyncDisposable
{
    private readonly NbdExportTable _exports = new(options);
    private readonly NbdConnectionTable _connections = new();
    private readonly OpenFileAllowance _files = new();
    private readonly List<NbdListener> _listeners = [];
    private readonly TaskCompletionSource _accepting = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _closing;

    /// <summary>Creates a server on the system's clock that sends no notifications.</summary>
    public NbdServer()
        : this(new NbdServerOptions())
    {
    }

    /// <summary>Returns the exports in ordinal order of their names.</summary>
    public IReadOnlyList<NbdExport> Exports => _exports.List();

    /// <summary>The number of connections, including those in the handshake.</summary>
    public int ConnectionCount => _connections.Count;

    /// <summary>Adds an export.</summary>
    /// <exception cref="InvalidOperationException">An export of this name exists.</exception>
    public void AddExport(NbdExport export)
    {
        if (!_exports.TryAdd(export))
        {
            throw new InvalidOperationException($"Export '{export.Name}' already exists; replace or remove it.");
        }
    }

    /// <summary>
    /// Adds an export, replacing the one of the same name if there is one; completes when the former is out of use.
    /// Clients of the former are disconnected as in <see cref="RemoveExportAsync"/>.
    /// </summary>
    public Task ReplaceExportAsync(NbdExport export, CancellationToken cancellationToken = default) =>
        _exports.Replace(export) is { } former ? EmptyAsync(former, cancellationToken) : Task.CompletedTask;

    /// <summary>
    /// Withdraws an export: new clients do not find it, requests that have arrived are completed, then its connections
    /// are closed. Completes when its device is out of use; false if there was no such export.
    /// </summary>
    /// <remarks>If cancelled, the export is withdrawn all the same; only the wait ends.</remarks>
    public async Task<bool> RemoveExportAsync(string name, CancellationToken cancellationToken = default)
    {
        if (_exports.Remove(name) is not { } entry)
        {
            return false;
        }

        await EmptyAsync(entry, cancellationToken);
        return true;
    }

    /// <summary>Returns the clients of an export; none if there is no such export.</summary>
    public IReadOnlyList<NbdPeer> ClientsOf(string name) => _exports.ClientsOf(name);

    /// <summary>
    /// Announces an export that will be offered soon: a client that asks for it meanwhile waits briefly instead of
    /// being refused.
    /// </summary>
    public void Expect(string name) => _exports.Expect(name);

    /// <summary>Returns the export of this name, or null.</summary>
    public NbdExport? FindExport(string name) => _exports.Find(name);

    /// <summary>
    /// Listens on a unix socket and replaces a socket file left by a former process. Only the current user may connect,
    /// unless <paramref name="access"/> allows others; no other user can connect at any earlier moment.
    /// </summary>
    /// <exception cref="NbdListenException">
    /// The path is in use, too long, or may not be created, or the group is unknown or may not be assigned.
    /// </exception>
    public NbdListener ListenUnix(string path, UnixSocketAccess? access = null)
    {
        var full = Path.GetFullPath(path);
        return Listen(ListeningSockets.Unix(full, access ?? UnixSocketAccess.OwnerOnly), full);
    }

    /// <summary>Listens on a TCP address; port 0 chooses a free one. Without TLS only loopback is safe.</summary>
    /// <exception cref="NbdListenException">The address is in use or does not belong to this machine.</exception>
    public NbdListener ListenTcp(IPEndPoint endPoint) => Listen(ListeningSockets.Tcp(endPoint), null);

    /// <summary>
    /// Listens on the sockets that the parent process passed on (systemd socket activation); there may be none.
    /// </summary>
    /// <exception cref="NbdListenException">A passed-on descriptor is not a socket.</exception>
    public IReadOnlyList<NbdListener> ListenInherited() => [.. InheritedSockets.Take().Select(s => Listen(s, null))];

    /// <summary>
    /// Accepts the clients in the sockets' queues, and later ones (<see cref="NbdServerOptions.AcceptAtOnce"/>).
    /// </summary>
    public void StartAccepting() => _accepting.TrySetResult();

    /// <summary>
    /// Stops listening; existing connections continue. New clients on the server's own sockets are refused; those on a
    /// socket that was passed on wait in its queue for the next process. A client in the handshake is disconnected when
    /// it requests an export that is no longer served, because "no such export" would be wrong. For a caller that
    /// withdraws its exports one by one before <see cref="DisposeAsync"/>.
    /// </summary>
    public async Task StopAcceptingAsync()
    {
        _exports.End();
        NbdListener[] listeners;
        lock (_listeners)
        {
            listeners = [.. _listeners];
            _listeners.Clear();
        }

        foreach (var listener in listeners)
        {
            await listener.DisposeAsync();
        }
    }

    /// <summary>Stops listening, completes the requests that have arrived, and closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        _closing = true;
        await StopAcceptingAsync();
        await Task.WhenAll(_exports.List().Select(e => RemoveExportAsync(e.Name)));
        await _connections.CloseAsync();
    }

    /// <summary>Accepts clients on a listening socket and takes ownership of the socket.</summary>
    internal NbdListener Listen(Socket socket, string? ownedPath)
    {
        lock (_listeners)
        {
            ObjectDisposedException.ThrowIf(_closing, this);
            var listener = new NbdListener(
                socket, ownedPath, Accept, options.Time, options.AcceptAtOnce ? Task.CompletedTask : _accepting.Task);
            _listeners.Add(listener);
            return listener;
        }
    }

    private void Accept(Socket socket)
    {
        if (_closing || _connections.Count >= options.MaxConnections || !_files.TryTake())
        {
            socket.Dispose();
            return;
        }

        new NbdConnection(socket, _connections, _exports, options).Start();
    }

    private async Task EmptyAsync(NbdExportTable.Entry entry, CancellationToken cancellationToken)
    {
        foreach (var user in _exports.UsersOf(entry))
        {
            user.Finish();
        }

        try
        {
            await entry.Unused.Task.WaitAsync(options.FinishDeadline, options.Time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // A client has not accepted its replies within the deadline.
            foreach (var user in _exports.UsersOf(entry))
            {
                user.Abort();
            }

            await entry.Unused.Task.WaitAsync(cancellationToken);
        }
    }
}

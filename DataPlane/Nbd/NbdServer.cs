using System.Net;
using System.Net.Sockets;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// Serves disks over NBD, on any number of unix and TCP sockets. All members are safe for several threads. Devices stay
/// the caller's; when <see cref="RemoveExportAsync"/>, <see cref="ReplaceExportAsync"/> or <see cref="DisposeAsync"/>
/// has completed, the device concerned is used no more and may be disposed of.
/// </summary>
internal sealed class NbdServer(NbdServerOptions options) : IAsyncDisposable
{
    private readonly NbdExportTable _exports = new(options);
    private readonly NbdConnectionTable _connections = new();
    private readonly OpenFileAllowance _files = new();
    private readonly List<NbdListener> _listeners = [];
    private readonly TaskCompletionSource _accepting = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _closing;

    /// <summary>A server on the system's clock that tells nobody what happens.</summary>
    public NbdServer()
        : this(new NbdServerOptions())
    {
    }

    /// <summary>The exports in ordinal order of their names.</summary>
    public IReadOnlyList<NbdExport> Exports => _exports.List();

    /// <summary>The connections there are, those in the handshake included.</summary>
    public int ConnectionCount => _connections.Count;

    /// <summary>Offers an export from now on.</summary>
    /// <exception cref="InvalidOperationException">There is one of this name.</exception>
    public void AddExport(NbdExport export)
    {
        if (!_exports.TryAdd(export))
        {
            throw new InvalidOperationException($"Export '{export.Name}' already exists; replace or remove it.");
        }
    }

    /// <summary>
    /// Offers an export in the place of the one of the same name, if there is one; completes when the former is out of
    /// use. Clients of the former are disconnected as in <see cref="RemoveExportAsync"/>.
    /// </summary>
    public Task ReplaceExportAsync(NbdExport export, CancellationToken cancellationToken = default) =>
        _exports.Replace(export) is { } former ? EmptyAsync(former, cancellationToken) : Task.CompletedTask;

    /// <summary>
    /// Withdraws an export: new clients do not find it, requests that have arrived are answered, then its connections
    /// are closed. Completes when its device is out of use; false when there was no such export.
    /// </summary>
    /// <remarks>When cancelled, the export is withdrawn all the same, only not waited for.</remarks>
    public async Task<bool> RemoveExportAsync(string name, CancellationToken cancellationToken = default)
    {
        if (_exports.Remove(name) is not { } entry)
        {
            return false;
        }

        await EmptyAsync(entry, cancellationToken);
        return true;
    }

    /// <summary>The clients of an export; none when there is no such export.</summary>
    public IReadOnlyList<NbdPeer> ClientsOf(string name) => _exports.ClientsOf(name);

    /// <summary>Announces an export that will be offered soon: a client that asks for it meanwhile waits for a
    /// moment instead of being turned away.</summary>
    public void Expect(string name) => _exports.Expect(name);

    /// <summary>The export of this name, or none.</summary>
    public NbdExport? FindExport(string name) => _exports.Find(name);

    /// <summary>
    /// Listens on a unix socket, replacing a socket file left behind by a former process. It is this user's only,
    /// unless <paramref name="access"/> opens it to others; it is open to nobody else at any moment before.
    /// </summary>
    /// <exception cref="NbdListenException">The path is in use, too long, or may not be created, or the group is not
    /// known or may not be given.</exception>
    public NbdListener ListenUnix(string path, UnixSocketAccess? access = null)
    {
        var full = Path.GetFullPath(path);
        return Listen(ListeningSockets.Unix(full, access ?? UnixSocketAccess.OwnerOnly), full);
    }

    /// <summary>Listens on a TCP address; port 0 takes a free one. Without TLS only loopback is safe.</summary>
    /// <exception cref="NbdListenException">The address is in use or not this machine's.</exception>
    public NbdListener ListenTcp(IPEndPoint endPoint) => Listen(ListeningSockets.Tcp(endPoint), null);

    /// <summary>
    /// Listens on the sockets the parent process passed on (systemd socket activation); there may be none.
    /// </summary>
    /// <exception cref="NbdListenException">What was passed on is no socket.</exception>
    public IReadOnlyList<NbdListener> ListenInherited() => [.. InheritedSockets.Take().Select(s => Listen(s, null))];

    /// <summary>
    /// Takes in the clients that the sockets' queues hold, and those to come
    /// (<see cref="NbdServerOptions.AcceptAtOnce"/>).
    /// </summary>
    public void StartAccepting() => _accepting.TrySetResult();

    /// <summary>
    /// Stops listening; what is served goes on. Newcomers on a socket of this server's own are refused, those on one
    /// that was passed on wait in its queue for the next process. A client that is still choosing is disconnected when
    /// it asks for what is not served any more, because "no such export" would be a false answer. For a caller that
    /// takes its exports away one by one before <see cref="DisposeAsync"/>.
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

    /// <summary>Stops listening, answers what has arrived, and closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        _closing = true;
        await StopAcceptingAsync();
        await Task.WhenAll(_exports.List().Select(e => RemoveExportAsync(e.Name)));
        await _connections.CloseAsync();
    }

    /// <summary>Accepts clients on a listening socket, which is the server's from now on.</summary>
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
            // Some client does not take its replies: it has had its time.
            foreach (var user in _exports.UsersOf(entry))
            {
                user.Abort();
            }

            await entry.Unused.Task.WaitAsync(cancellationToken);
        }
    }
}

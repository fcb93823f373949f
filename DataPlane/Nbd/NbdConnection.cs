using System.Net.Sockets;
using ReplicationEngine.DataPlane.Transport;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// The shell around a session: a socket and one thread that receives, calls the device and sends, and blocks on nothing
/// else. Asynchronous calls per request cost half of the requests per second at depth 32.
/// </summary>
/// <remarks>
/// Ending. Only the thread itself closes the socket. Other threads request it: <see cref="Finish"/> stops the receiving
/// side, so that the thread replies to the requests that have arrived and then sees the end; <see cref="Abort"/> stops
/// both sides, so that a peer that accepts no replies does not block the thread. A handshake that is not finished by
/// its deadline is aborted.
/// </remarks>
internal sealed class NbdConnection : INbdSessionHost, IDisposable
{
    private const int StackSize = 256 << 10;
    private const int SocketBuffer = 1 << 20;

    private readonly NbdConnectionTable _table;
    private readonly NbdExportTable _exports;
    private readonly INbdServerEvents _events;
    private readonly Socket _socket;
    private readonly ITimer _deadline;
    private readonly long _number;
    private NbdExport? _export;
    private volatile bool _late;

    public NbdConnection(Socket socket, NbdConnectionTable table, NbdExportTable exports, NbdServerOptions options)
    {
        _socket = socket;
        _table = table;
        _exports = exports;
        _events = options.Events;
        _number = table.Add(this);
        _deadline = options.Time.CreateTimer(
            static c => ((NbdConnection)c!).MissDeadline(), this, options.HandshakeDeadline, Timeout.InfiniteTimeSpan);
    }

    /// <inheritdoc/>
    public IReadOnlyList<NbdExport> Exports => _exports.Offered();

    /// <summary>The client of the export; null before the handshake is finished.</summary>
    public NbdPeer? Client { get; private set; }

    /// <summary>Starts the thread. If the system cannot create one, the connection ends at once.</summary>
    public void Start()
    {
        try
        {
            new Thread(Run, StackSize) { IsBackground = true, Name = $"nbd-{_number}" }.Start();
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            End(e);
        }
    }

    /// <summary>Completes the requests that have arrived, then ends the connection.</summary>
    public void Finish() => Shutdown(SocketShutdown.Receive);

    /// <summary>Ends the connection as soon as the running device call returns.</summary>
    public void Abort() => Shutdown(SocketShutdown.Both);

    /// <inheritdoc/>
    public NbdExport? Find(string name) => _exports.FindOrAwait(name);

    /// <inheritdoc/>
    public bool TryAttach(NbdExport export)
    {
        _deadline.Dispose();
        Client = new NbdPeer(NbdPeer.Name(_socket), export.ReadOnly);
        if (!_exports.TryAttach(export, this))
        {
            return false;
        }

        _export = export;
        _events.ClientConnected(export.Name, _number);
        return true;
    }

    /// <inheritdoc/>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    /// <inheritdoc/>
    public void RequestFailed(NbdExport export, string request, Exception error) =>
        _events.RequestFailed(export.Name, _number, request, error);

    /// <inheritdoc/>
    public void Dispose()
    {
        _deadline.Dispose();
        _socket.Dispose();
    }

    private void Run()
    {
        Exception? error = null;
        try
        {
            Prepare();
            Serve();
        }
        catch (Exception e)
        {
            // The boundary of this connection: whatever ended it, the other connections continue and the owner is
            // notified.
            error = e;
        }

        End(_late ? new TimeoutException("The handshake did not finish by its deadline.", error) : error);
    }

    private void End(Exception? error)
    {
        Dispose();
        if (_export is not null)
        {
            _exports.Detach(_export, this);
        }

        _events.ConnectionEnded(_export?.Name, _number, error);
        _table.Remove(this);
    }

    private void Prepare()
    {
        if (_socket.AddressFamily != AddressFamily.Unix)
        {
            _socket.NoDelay = true;
            LiveSockets.Apply(_socket);
        }

        _socket.SendBufferSize = SocketBuffer;
    }

    private void Serve()
    {
        using var session = new NbdSession(this);
        session.Start();
        while (!session.Ended)
        {
            var received = _socket.Receive(session.Window());
            if (received == 0)
            {
                return;
            }

            try
            {
                session.Arrived(received);
            }
            catch (SocketException) when (session.Ended)
            {
                // A client that disconnects need not wait for the reply.
                return;
            }
        }
    }

    private void MissDeadline()
    {
        _late = true;
        Abort();
    }

    private void Shutdown(SocketShutdown side)
    {
        try
        {
            _socket.Shutdown(side);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The peer or the thread was faster: the connection has already ended, as requested.
        }
    }
}

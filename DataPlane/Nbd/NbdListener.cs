using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>A listening address or path. Disposing of it closes the socket, not the accepted connections.</summary>
internal sealed class NbdListener : IAsyncDisposable
{
    /// <summary>The pause in accepting when the system has no descriptors or memory left for a client.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMilliseconds(100);

    private readonly Socket _socket;
    private readonly string? _ownedPath;
    private readonly CancellationTokenSource _stop = new();
    private readonly TimeProvider _time;
    private readonly Task _accepting;
    private int _closed;

    internal NbdListener(
        Socket socket, string? ownedPath, Action<Socket> accepted, TimeProvider time, Task mayAccept)
    {
        _time = time;
        _socket = socket;
        _ownedPath = ownedPath;
        EndPoint = socket.LocalEndPoint
            ?? throw new ArgumentException("The socket is not bound to an address.", nameof(socket));
        _accepting = AcceptAsync(accepted, mayAccept, _stop.Token);
    }

    /// <summary>The listening address, with the actual port if port 0 was requested.</summary>
    public EndPoint EndPoint { get; }

    /// <summary>Returns the NBD URI under which a client on this machine reaches an export.</summary>
    public string UriOf(string export) => NbdUri.Of(EndPoint, export);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _closed, 1) != 0)
        {
            return;
        }

        await _stop.CancelAsync();
        await _accepting;
        _socket.Dispose();
        _stop.Dispose();
        if (_ownedPath is not null)
        {
            File.Delete(_ownedPath);
        }
    }

    private async Task AcceptAsync(Action<Socket> accepted, Task mayAccept, CancellationToken cancellationToken)
    {
        try
        {
            await mayAccept.WaitAsync(cancellationToken);
            while (true)
            {
                if (await AcceptOneAsync(cancellationToken) is { } client)
                {
                    accepted(client);
                }
                else
                {
                    await Task.Delay(Rest, _time, cancellationToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The socket was closed: the only way out.
        }
    }

    private async Task<Socket?> AcceptOneAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _socket.AcceptAsync(cancellationToken);
        }
        catch (SocketException)
        {
            // The client left before it was accepted, or descriptors ran out. Other clients may still connect.
            return null;
        }
    }
}

using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.Chaos.Witness.Processes;

/// <summary>
/// A TCP proxy on loopback that can fall silent: no data passes, and neither end is notified of the end of a
/// connection, as when a cable is cut, a NAT entry is lost or a machine loses power. Safe to use from several threads.
/// </summary>
internal sealed class SilentLink : IAsyncDisposable
{
    private const int BufferBytes = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _guard = new();
    private readonly List<Connection> _connections = [];
    private readonly Task _accepting;
    private TaskCompletionSource? _held;

    /// <summary>Listens on a free port and forwards to another one of this machine.</summary>
    public SilentLink(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The URL that replaces the target's.</summary>
    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Holds all data until <see cref="Open"/>; the data then arrives late.</summary>
    public void Stall()
    {
        lock (_guard)
        {
            _held ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>
    /// Holds all data until <see cref="Open"/>; the existing connections stay dead afterwards, half open on both sides.
    /// </summary>
    public void Cut()
    {
        Stall();
        lock (_guard)
        {
            _connections.ForEach(c => c.Dead = true);
        }
    }

    /// <summary>Releases all data except that of connections that were cut.</summary>
    public void Open()
    {
        TaskCompletionSource? held;
        lock (_guard)
        {
            (held, _held) = (_held, null);
        }

        held?.SetResult();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Connection[] all;
        lock (_guard)
        {
            all = [.. _connections];
        }

        foreach (var connection in all)
        {
            connection.Close();
        }

        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            var caller = await _listener.AcceptSocketAsync(_end.Token);
            var connection = new Connection(
                caller, new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            lock (_guard)
            {
                _connections.Add(connection);
            }

            _ = CarryAsync(connection);
        }
    }

    private async Task CarryAsync(Connection connection)
    {
        try
        {
            await PassAsync(connection);
            await connection.Server.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
            (connection.Caller.NoDelay, connection.Server.NoDelay) = (true, true);
            await Task.WhenAny(
                PumpAsync(connection, connection.Caller, connection.Server),
                PumpAsync(connection, connection.Server, connection.Caller));
            await PassAsync(connection);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The target is down or the link ends: the caller sees its connection close below.
            connection.Close();
            return;
        }

        if (!connection.Dead)
        {
            connection.Close();
        }
    }

    private async Task PumpAsync(Connection connection, Socket from, Socket to)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (await from.ReceiveAsync(buffer, SocketFlags.None, _end.Token) is > 0 and var count)
            {
                await PassAsync(connection);
                for (var sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None, _end.Token);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One end is gone; the caller of this method decides whether the other end is closed.
            return;
        }
    }

    // A connection that was cut waits here for the end of the link.
    private async Task PassAsync(Connection connection)
    {
        while (true)
        {
            Task? held;
            lock (_guard)
            {
                held = _held?.Task;
            }

            if (connection.Dead)
            {
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _end.Token);
            }

            if (held is null)
            {
                return;
            }

            await held.WaitAsync(_end.Token);
        }
    }

    private sealed class Connection(Socket caller, Socket server)
    {
        public Socket Caller => caller;

        public Socket Server => server;

        public volatile bool Dead;

        public void Close()
        {
            caller.Dispose();
            server.Dispose();
        }
    }
}

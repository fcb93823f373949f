using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.Chaos.Sites;

/// <summary>
/// The link between agent and service: a TCP proxy on loopback. It can refuse and break connections, or hold either
/// direction, as a network that loses packets does: the sender's window fills, and the data held arrives later.
/// </summary>
internal sealed class Link : IAsyncDisposable
{
    private const int Buffer = 64 << 10;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly int _target;
    private readonly CancellationTokenSource _end = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Socket> _open = [];
    private readonly Gate _toService = new();
    private readonly Gate _toAgent = new();
    private readonly Task _accepting;
    private bool _refuses;

    /// <summary>Listens on a free port and forwards to another one of this machine.</summary>
    public Link(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    /// <summary>The URL that replaces the service's.</summary>
    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>Breaks every connection, and each new one at once.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _refuses = true;
            foreach (var socket in _open)
            {
                socket.Dispose();
            }

            _open.Clear();
        }
    }

    /// <summary>Holds the data sent to the service, to the agent, or in both directions.</summary>
    public void Hold(bool toService, bool toAgent)
    {
        if (toService)
        {
            _toService.Close();
        }

        if (toAgent)
        {
            _toAgent.Close();
        }
    }

    /// <summary>Releases all directions; data that was held flows first.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _refuses = false;
        }

        _toService.Open();
        _toAgent.Open();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        Cut();
        Open();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            var caller = await _listener.AcceptSocketAsync(_end.Token);
            _ = CarryAsync(caller);
        }
    }

    private async Task CarryAsync(Socket caller)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (!Keep(caller, server))
            {
                return;
            }

            await server.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
            (caller.NoDelay, server.NoDelay) = (true, true);
            // When one direction ends, so does the other: a half-closed connection has no meaning for either end.
            await Task.WhenAny(PumpAsync(caller, server, _toService), PumpAsync(server, caller, _toAgent));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The service is down or the link was cut: the caller sees its connection break, as it should.
            caller.Close(0);
        }
        finally
        {
            Forget(caller, server);
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Gate gate)
    {
        try
        {
            var buffer = new byte[Buffer];
            while (await from.ReceiveAsync(buffer, SocketFlags.None, _end.Token) is > 0 and var count)
            {
                await gate.PassAsync(_end.Token);
                for (var sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), SocketFlags.None, _end.Token);
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One end broke the connection; CarryAsync closes the other.
            to.Close(0);
        }
    }

    private bool Keep(Socket caller, Socket server)
    {
        lock (_lock)
        {
            if (_refuses)
            {
                return false;
            }

            _open.Add(caller);
            _open.Add(server);
            return true;
        }
    }

    private void Forget(Socket caller, Socket server)
    {
        lock (_lock)
        {
            _open.Remove(caller);
            _open.Remove(server);
        }

        caller.Dispose();
    }

    /// <summary>A gate that lets data pass or holds it.</summary>
    private sealed class Gate
    {
        private TaskCompletionSource _opened = Opened();

        public void Close()
        {
            if (_opened.Task.IsCompleted)
            {
                _opened = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public void Open() => _opened.TrySetResult();

        public Task PassAsync(CancellationToken cancellationToken) => _opened.Task.WaitAsync(cancellationToken);

        private static TaskCompletionSource Opened()
        {
            var opened = new TaskCompletionSource();
            opened.SetResult();
            return opened;
        }
    }
}

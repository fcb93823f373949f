using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>A port of this machine that leads to another one, as <c>ssh -L</c> makes it.</summary>
internal sealed class ForwardedPort : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly int _target;
    private readonly Task _accepting;

    public ForwardedPort(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Stop();
        await _accepting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var pumps = new List<Task>();
        try
        {
            while (true)
            {
                var near = await _listener.AcceptTcpClientAsync(_end.Token);
                pumps.Add(ForwardAsync(near));
            }
        }
        finally
        {
            await Task.WhenAll(pumps).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ForwardAsync(TcpClient near)
    {
        using var _ = near;
        using var far = new TcpClient();
        await far.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
        await Task.WhenAny(
            near.GetStream().CopyToAsync(far.GetStream(), _end.Token),
            far.GetStream().CopyToAsync(near.GetStream(), _end.Token));
    }
}

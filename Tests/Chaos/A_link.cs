using System.Net;
using System.Net.Sockets;
using ReplicationEngine.Chaos.Sites;
using Xunit;

namespace ReplicationEngine.Tests.Chaos;

public sealed class A_link : IAsyncDisposable
{
    private static readonly TimeSpan AWhile = TimeSpan.FromMilliseconds(200);

    private readonly TcpListener _service = new(IPAddress.Loopback, 0);
    private readonly Link _link;

    public A_link()
    {
        _service.Start();
        _link = new Link(((IPEndPoint)_service.LocalEndpoint).Port);
    }

    public async ValueTask DisposeAsync()
    {
        await _link.DisposeAsync();
        _service.Dispose();
    }

    [Fact]
    public async Task Passes_on_both_ways()
    {
        var (agent, service) = await ConnectAsync();
        Assert.Equal(7, await PassAsync(agent, service, 7));
        Assert.Equal(9, await PassAsync(service, agent, 9));
    }

    [Fact]
    public async Task Holds_one_way_back_and_delivers_it_later_while_the_other_flows()
    {
        var (agent, service) = await ConnectAsync();
        _link.Hold(toService: true, toAgent: false);
        await agent.GetStream().WriteAsync(new byte[] { 1 }, TestContext.Current.CancellationToken);
        Assert.Equal(2, await PassAsync(service, agent, 2));
        var read = service.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken).AsTask();
        await Assert.ThrowsAsync<TimeoutException>(() =>
            read.WaitAsync(AWhile, TimeProvider.System, TestContext.Current.CancellationToken));
        _link.Open();
        Assert.Equal(1, await read);
    }

    [Fact]
    public async Task Breaks_what_is_open_refuses_what_is_new_and_recovers()
    {
        var (agent, _) = await ConnectAsync();
        _link.Cut();
        await Ended(agent);
        using var refused = await DialAsync();
        await Ended(refused);
        _link.Open();
        var (again, service) = await ConnectAsync();
        Assert.Equal(3, await PassAsync(again, service, 3));
    }

    private static async Task<int> PassAsync(TcpClient from, TcpClient to, byte value)
    {
        await from.GetStream().WriteAsync(new[] { value }, TestContext.Current.CancellationToken);
        var got = new byte[1];
        await to.GetStream().ReadExactlyAsync(got, TestContext.Current.CancellationToken);
        return got[0];
    }

    private static async Task Ended(TcpClient client)
    {
        try
        {
            Assert.Equal(0, await client.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        }
        catch (IOException e)
        {
            Assert.IsType<SocketException>(e.InnerException);
        }
    }

    private async Task<TcpClient> DialAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, new Uri(_link.Url).Port, TestContext.Current.CancellationToken);
        return client;
    }

    private async Task<(TcpClient Agent, TcpClient Service)> ConnectAsync()
    {
        var agent = await DialAsync();
        return (agent, await _service.AcceptTcpClientAsync(TestContext.Current.CancellationToken));
    }
}

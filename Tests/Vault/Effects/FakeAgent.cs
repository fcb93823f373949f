using System.Net;
using System.Net.Sockets;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Vault.Agents;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>The agent's end of a control stream, with answers that a test writes.</summary>
internal sealed class FakeAgent : IAsyncDisposable
{
    private readonly ControlChannel _channel;
    private readonly Task _served;
    private Task _answering = Task.CompletedTask;

    private FakeAgent(Stream ours, Task served) => (_channel, _served) = (new ControlChannel(ours), served);

    /// <summary>Answers a request of the service.</summary>
    public Func<AgentRequest, AgentReply> Answer { get; set; } =
        _ => new AgentReply.Failed("no-answer", "This agent answers nothing.", null, false);

    /// <summary>Calls the registry and says hello; answers what the service says to that.</summary>
    public static async Task<(FakeAgent Agent, ControlMessage? Said)> CallAsync(
        AgentRegistry registry, string name, string? token = null)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        var accepted = await listener.AcceptTcpClientAsync();
        var agent = new FakeAgent(
            client.GetStream(), registry.ServeAsync(accepted.GetStream(), CancellationToken.None));
        await agent._channel.SendAsync(new ControlMessage.Hello(2, name, token), CancellationToken.None);
        var said = await agent._channel.ReadAsync(CancellationToken.None);
        if (said is ControlMessage.Welcome)
        {
            agent._answering = agent.AnswerAllAsync();
        }

        return (agent, said);
    }

    /// <summary>Sends a report.</summary>
    public ValueTask ReportAsync(params VolumeStatus[] volumes) =>
        _channel.SendAsync(new ControlMessage.Report(volumes), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _served.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _answering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task AnswerAllAsync()
    {
        while (await _channel.ReadAsync(CancellationToken.None) is ControlMessage.Request request)
        {
            await _channel.SendAsync(
                new ControlMessage.Reply(request.Id, Answer(request.Body)), CancellationToken.None);
        }
    }
}

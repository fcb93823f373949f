using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Hosting;
using ReplicationEngine.Vault.Agents;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>The agent's end of a control stream, with answers that a test writes.</summary>
internal sealed class FakeAgent : IAsyncDisposable
{
    private readonly ControlChannel _channel;
    private Task _answering = Task.CompletedTask;

    private FakeAgent(Stream ours, Task served) =>
        (_channel, Served) = (new ControlChannel(ours, TimeProvider.System), served);

    /// <summary>Answers a request of the service.</summary>
    public Func<AgentRequest, AgentReply> Answer { get; set; } =
        _ => new AgentReply.Failed("no-answer", "This agent answers nothing.", null, false);

    /// <summary>What the service said when it took the agent.</summary>
    public ControlMessage.Welcome? Welcome { get; private set; }

    /// <summary>The service's end of the stream.</summary>
    public Task Served { get; }

    /// <summary>A registry with bindings of its own in a directory.</summary>
    public static AgentRegistry Registry(string data, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        var bindings = new AgentBindings(data, time);
        return new AgentRegistry(
            time, new AgentDoor(time, bindings), bindings, NullLogger<AgentRegistry>.Instance);
    }

    /// <summary>A process with a key of its own.</summary>
    public static AgentSelf Self(string data, string boot = "boot") =>
        AgentSelf.OfThisProcess(AgentIdentity.Of(data), boot);

    /// <summary>Calls the registry and proves who it is; answers what the service says to that.</summary>
    public static async Task<(FakeAgent Agent, ControlMessage? Said)> CallAsync(
        AgentRegistry registry, string name, AgentSelf self, bool answers = true)
    {
        var (agent, challenge) = await ConnectAsync(registry);
        await agent._channel.SendAsync(self.Hello(challenge, name), CancellationToken.None);
        var said = await agent._channel.ReadAsync(CancellationToken.None);
        agent.Welcome = said as ControlMessage.Welcome;
        if (answers && agent.Welcome is not null)
        {
            agent._answering = agent.AnswerAllAsync();
        }

        return (agent, said);
    }

    /// <summary>Calls the registry and says nothing.</summary>
    public static async Task<(FakeAgent Agent, ControlMessage.Challenge Challenge)> ConnectAsync(
        AgentRegistry registry)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        var accepted = await listener.AcceptTcpClientAsync();
        var agent = new FakeAgent(
            client.GetStream(), registry.ServeAsync(accepted.GetStream(), "test:1", CancellationToken.None));
        return (agent, (ControlMessage.Challenge)(await agent._channel.ReadAsync(CancellationToken.None))!);
    }

    /// <summary>Says anything.</summary>
    public ValueTask SayAsync(ControlMessage message) => _channel.SendAsync(message, CancellationToken.None);

    /// <summary>What the service says next; null when it has closed the stream.</summary>
    public ValueTask<ControlMessage?> HearAsync() => _channel.ReadAsync(CancellationToken.None);

    /// <summary>Sends a report.</summary>
    public ValueTask ReportAsync(params VolumeStatus[] volumes) => SayAsync(new ControlMessage.Report(volumes));

    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await Served.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _answering.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task AnswerAllAsync()
    {
        while (await _channel.ReadAsync(CancellationToken.None) is { } message)
        {
            ControlMessage reply = message is ControlMessage.Request request
                ? new ControlMessage.Reply(request.Id, Answer(request.Body))
                : new ControlMessage.Pong(((ControlMessage.Ping)message).Id, TimeProvider.System.GetUtcNow());
            await _channel.SendAsync(reply, CancellationToken.None);
        }
    }
}

using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Agent.Volumes;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>
/// The agent's conversation with the service: calls out, says who it is, answers requests (each on a task of its own,
/// so a long one holds up no other) and reports its volumes every second. Returns when the stream ends.
/// </summary>
internal sealed partial class ControlLoop(
    AgentSettings settings, VolumeSet volumes, TimeProvider time, ILogger<ControlLoop> logger)
{
    private static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(1);

    /// <summary>One connection, from the call to its end; says when the service has taken the agent.</summary>
    /// <exception cref="AgentRefusedException">The service does not take this agent.</exception>
    public async Task RunOnceAsync(Action welcomed, CancellationToken cancellationToken)
    {
        var stream = await UpgradeClient.ConnectAsync(
            settings.Server, "/agent/control", UpgradeClient.ControlProtocol, cancellationToken);
        await using var channel = new ControlChannel(stream);
        await channel.SendAsync(new ControlMessage.Hello(2, settings.Name, settings.Token), cancellationToken);
        switch (await channel.ReadAsync(cancellationToken))
        {
            case ControlMessage.Welcome:
                Connected(settings.Server, settings.Name);
                welcomed();
                break;
            case ControlMessage.Refused refused:
                throw new AgentRefusedException(refused.Reason);
            default:
                throw new InvalidDataException("the service did not answer the agent's hello");
        }

        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var reporting = ReportAsync(channel, ending.Token);
        var requests = new ConcurrentDictionary<long, Task>();
        try
        {
            while (await channel.ReadAsync(ending.Token) is { } message)
            {
                var request = message as ControlMessage.Request
                    ?? throw new InvalidDataException($"the service does not send {message.GetType().Name}");
                requests[request.Id] = AnswerAsync(channel, request, requests, ending.Token);
            }
        }
        finally
        {
            await ending.CancelAsync();
            await Task.WhenAll([reporting, .. requests.Values]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task AnswerAsync(
        ControlChannel channel, ControlMessage.Request request, ConcurrentDictionary<long, Task> requests,
        CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            var reply = await volumes.AnswerAsync(request.Body, cancellationToken);
            await channel.SendAsync(new ControlMessage.Reply(request.Id, reply), cancellationToken);
        }
        catch (IOException e)
        {
            AnswerLost(request.Id, e.Message);
        }
        finally
        {
            requests.TryRemove(request.Id, out _);
        }
    }

    private async Task ReportAsync(ControlChannel channel, CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            var changed = volumes.NextChangeAsync(cancellationToken);
            await channel.SendAsync(new ControlMessage.Report(volumes.Status()), cancellationToken);
            await Task.WhenAny(changed, Task.Delay(ReportEvery, time, cancellationToken));
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "connected to {Server} as {Agent}")]
    private partial void Connected(Uri server, string agent);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the answer to request {Id} was lost: {Reason}")]
    private partial void AnswerLost(long id, string reason);
}

/// <summary>The service does not take this agent; trying again does not help.</summary>
public sealed class AgentRefusedException(string message) : IOException(message);

using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Volumes;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>
/// The agent's control session with the service. Connects, authenticates, handles requests (each on a task of its own,
/// so a long one does not delay the others) and reports the volumes every second. Returns when the stream ends. A
/// service that is silent for too long is treated as lost.
/// </summary>
internal sealed partial class ControlLoop(
    AgentSettings settings, AgentSelf self, VolumeSet volumes, TimeProvider time, ILogger<ControlLoop> logger)
{
    /// <summary>Runs one connection, from connecting until it ends.</summary>
    /// <param name="welcomed">Receives the session's secret when the service has accepted this agent.</param>
    /// <param name="cancellationToken">Ends the connection.</param>
    /// <exception cref="AgentRefusedException">The service does not accept this agent now.</exception>
    /// <exception cref="IOException">The connection could not be made, or broke.</exception>
    /// <exception cref="InvalidDataException">The service does not follow the protocol.</exception>
    public async Task RunOnceAsync(Action<string> welcomed, CancellationToken cancellationToken)
    {
        var stream = await UpgradeClient.ConnectAsync(
            settings.Server, new UpgradeRequest("/agent/control", StreamUpgrade.ControlProtocol, null), settings.Token,
            time, cancellationToken);
        await using var channel = new ControlChannel(stream, time);
        var welcome = await IntroduceAsync(channel, cancellationToken);
        Connected(settings.Server, settings.Name);
        welcomed(welcome.Session);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var requests = new ConcurrentDictionary<long, Task>();
        List<Task> running =
        [
            ReadAsync(channel, requests, ending.Token), ReportAsync(channel, ending.Token),
            WatchAsync(channel, ending.Token),
        ];
        try
        {
            // The first task that ends, successfully or not, ends the connection.
            await await Task.WhenAny(running);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new IOException("the control stream was closed", e);
        }
        finally
        {
            await ending.CancelAsync();
            await channel.DisposeAsync();
            await Task.WhenAll([.. running, .. requests.Values])
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<ControlMessage.Welcome> IntroduceAsync(ControlChannel channel, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(ControlLimits.HandshakeWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            var challenge = Insist<ControlMessage.Challenge>(await channel.ReadAsync(either.Token));
            if (challenge.Version != ControlLimits.Version)
            {
                throw new InvalidDataException($"the service uses control protocol {challenge.Version}, this agent "
                    + $"{ControlLimits.Version}; update the older one");
            }

            await channel.SendAsync(self.Hello(challenge, settings.Name), either.Token);
            return Insist<ControlMessage.Welcome>(await channel.ReadAsync(either.Token));
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new IOException(
                $"the service did not accept this agent within {ControlLimits.HandshakeWithin.TotalSeconds:0} s", e);
        }
    }

    private static TMessage Insist<TMessage>(ControlMessage? message)
        where TMessage : ControlMessage => message switch
    {
        TMessage expected => expected,
        ControlMessage.Refused refused => throw new AgentRefusedException(refused.Code, refused.Reason),
        null => throw new IOException("the service closed the control stream"),
        _ => throw new InvalidDataException(
            $"the service sent {message.GetType().Name} instead of {typeof(TMessage).Name}"),
    };

    private async Task ReadAsync(
        ControlChannel channel, ConcurrentDictionary<long, Task> requests, CancellationToken ct)
    {
        while (await channel.ReadAsync(ct) is { } message)
        {
            switch (message)
            {
                case ControlMessage.Request request:
                    requests[request.Id] = AnswerAsync(channel, request, requests, ct);
                    break;
                case ControlMessage.Ping ping:
                    await channel.SendAsync(new ControlMessage.Pong(ping.Id, time.GetUtcNow()), ct);
                    break;
                case ControlMessage.Refused refused:
                    throw new AgentRefusedException(refused.Code, refused.Reason);
                default:
                    throw new InvalidDataException($"the service must not send {message.GetType().Name}");
            }
        }
    }

    private async Task WatchAsync(ControlChannel channel, CancellationToken ct)
    {
        var watch = new SilenceWatch();
        using var timer = new PeriodicTimer(ControlLimits.LookEvery, time);
        while (await timer.WaitForNextTickAsync(ct))
        {
            if (watch.Look(channel.Heard))
            {
                throw new IOException($"the service was silent for {ControlLimits.SilentLooks} s");
            }
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
            await Task.WhenAny(changed, Task.Delay(ControlLimits.ReportEvery, time, cancellationToken));
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "connected to {Server} as {Agent}")]
    private partial void Connected(Uri server, string agent);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the reply to request {Id} was lost: {Reason}")]
    private partial void AnswerLost(long id, string reason);
}

/// <summary>
/// The service does not accept this agent now; <paramref name="code"/> is that of <see cref="ControlMessage.Refused"/>.
/// The agent continues to serve its disks and retries.
/// </summary>
internal sealed class AgentRefusedException(string code, string message) : IOException(message)
{
    /// <summary>The code of the service's refusal.</summary>
    public string Code { get; } = code;
}

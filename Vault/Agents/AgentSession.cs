using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// The session of a connected agent: sends requests, and receives replies and reports. The session ends when its stream
/// ends, when the agent is silent for too long, and when it is closed because another session takes its place. Safe to
/// use from several tasks.
/// </summary>
internal sealed class AgentSession(AgentClaim claim, ControlChannel channel, TimeProvider time) : IDisposable
{
    private const int SecretBytes = 32;
    private static readonly TimeSpan LookForLifeEvery = TimeSpan.FromMilliseconds(50);
    private readonly ConcurrentDictionary<long, TaskCompletionSource<AgentReply>> _pending = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _welcomed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _closedBecause;
    private long _lastId;

    /// <summary>The agent's verified claim.</summary>
    public AgentClaim Claim { get; } = claim;

    /// <summary>The agent's name.</summary>
    public string Agent => Claim.Agent;

    /// <summary>The secret that the agent's data streams must carry.</summary>
    public string Secret { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>Returns whether <paramref name="secret"/> is this session's secret.</summary>
    public bool IsOf(string? secret) => secret is not null && CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(Secret), Encoding.UTF8.GetBytes(secret));

    /// <summary>Sends the welcome; requests wait until it is sent.</summary>
    public async Task WelcomeAsync(string vault, CancellationToken cancellationToken)
    {
        await channel.SendAsync(new ControlMessage.Welcome(vault, Secret), cancellationToken);
        _welcomed.TrySetResult();
    }

    /// <summary>
    /// Sends a request and waits for the reply. If the agent disconnects, the reply is a recoverable failure. A request
    /// that is cancelled may still have reached the agent.
    /// </summary>
    public async Task<AgentReply> AskAsync(AgentRequest request, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<AgentReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[id] = answer;
        try
        {
            await using var lost = _closed.Token.Register(() => answer.TrySetResult(Gone(Agent)));
            await Task.WhenAny(_welcomed.Task, answer.Task).WaitAsync(cancellationToken);
            await channel.SendAsync(new ControlMessage.Request(id, request), cancellationToken);
            return await answer.Task.WaitAsync(cancellationToken);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            return Gone(Agent);
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    /// <summary>
    /// Receives messages until the stream ends. Every message is passed to <paramref name="heard"/> first; reports are
    /// then passed to <paramref name="reported"/>.
    /// </summary>
    /// <exception cref="IOException">The stream broke, the agent fell silent, or the session was closed.</exception>
    /// <exception cref="InvalidDataException">The agent does not follow the protocol.</exception>
    public async Task RunAsync(
        Action heard, Action<ControlMessage.Report> reported, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closed.Token);
        List<Task> running =
            [ReadAsync(heard, reported, ending.Token), WatchAsync(ending.Token), PingAsync(ending.Token)];
        try
        {
            await await Task.WhenAny(running);
        }
        catch (OperationCanceledException e) when (_closedBecause is { } why)
        {
            throw new IOException(why, e);
        }
        finally
        {
            await ending.CancelAsync();
            await _closed.CancelAsync();
            await Task.WhenAll(running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>
    /// Returns whether the agent sends any message within a time; false at once when the session ends.
    /// </summary>
    public async Task<bool> LivesAsync(TimeSpan within, CancellationToken cancellationToken)
    {
        var (before, began) = (channel.Heard, time.GetTimestamp());
        while (!_closed.IsCancellationRequested && time.GetElapsedTime(began) < within)
        {
            if (channel.Heard != before)
            {
                return true;
            }

            await Task.Delay(LookForLifeEvery, time, cancellationToken);
        }

        return false;
    }

    /// <summary>Ends the session. Pending requests complete with a failure.</summary>
    public void Close(string why)
    {
        _closedBecause = why;
        try
        {
            _closed.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The session ended on its own.
            return;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _closed.Dispose();

    /// <summary>The reply to a request for an agent that is not connected.</summary>
    public static AgentReply.Failed Gone(string agent) => new(
        "agent-disconnected", $"The agent '{agent}' is not connected.",
        "Start the agent, or see in its log why it cannot reach the service.", true);

    private async Task ReadAsync(Action heard, Action<ControlMessage.Report> reported, CancellationToken ct)
    {
        while (await channel.ReadAsync(ct) is { } message)
        {
            heard();
            switch (message)
            {
                case ControlMessage.Reply reply when _pending.TryGetValue(reply.Id, out var answer):
                    answer.TrySetResult(reply.Body);
                    break;
                case ControlMessage.Reply or ControlMessage.Pong:
                    break;
                case ControlMessage.Report report:
                    reported(report);
                    break;
                default:
                    throw new InvalidDataException($"An agent must not send {message.GetType().Name}.");
            }
        }
    }

    private async Task WatchAsync(CancellationToken ct)
    {
        var watch = new SilenceWatch();
        using var timer = new PeriodicTimer(ControlLimits.LookEvery, time);
        while (await timer.WaitForNextTickAsync(ct))
        {
            if (watch.Look(channel.Heard))
            {
                throw new IOException($"the agent was silent for {ControlLimits.SilentLooks} s");
            }
        }
    }

    private async Task PingAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(ControlLimits.PingEvery, time);
        for (var id = 1L; await timer.WaitForNextTickAsync(ct); id++)
        {
            await channel.SendAsync(new ControlMessage.Ping(id), ct);
        }
    }
}

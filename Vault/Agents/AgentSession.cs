using System.Collections.Concurrent;
using ReplicationEngine.Agent.Control;

namespace ReplicationEngine.Vault.Agents;

/// <summary>One connected agent: questions go out, answers and reports come in. Safe to use from several
/// tasks.</summary>
internal sealed class AgentSession(string agent, ControlChannel channel) : IDisposable
{
    private readonly ConcurrentDictionary<long, TaskCompletionSource<AgentReply>> _pending = new();
    private readonly CancellationTokenSource _closed = new();
    private long _lastId;

    /// <summary>The agent's name.</summary>
    public string Agent { get; } = agent;

    /// <summary>Cancelled when the stream has ended.</summary>
    public CancellationToken Closed => _closed.Token;

    /// <summary>Asks and waits for the answer; an agent that goes away answers with a recoverable failure.</summary>
    public async Task<AgentReply> AskAsync(AgentRequest request, CancellationToken cancellationToken)
    {
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<AgentReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        _pending[id] = answer;
        try
        {
            await using var lost = _closed.Token.Register(() => answer.TrySetResult(Gone(Agent)));
            await channel.SendAsync(new ControlMessage.Request(id, request), cancellationToken);
            return await answer.Task.WaitAsync(cancellationToken);
        }
        catch (IOException)
        {
            return Gone(Agent);
        }
        finally
        {
            _pending.TryRemove(id, out _);
        }
    }

    /// <summary>Reads until the stream ends; reports go to <paramref name="reported"/>.</summary>
    public async Task RunAsync(Action<ControlMessage.Report> reported, CancellationToken cancellationToken)
    {
        try
        {
            while (await channel.ReadAsync(cancellationToken) is { } message)
            {
                switch (message)
                {
                    case ControlMessage.Reply reply when _pending.TryGetValue(reply.Id, out var answer):
                        answer.TrySetResult(reply.Body);
                        break;
                    case ControlMessage.Reply:
                        break;
                    case ControlMessage.Report report:
                        reported(report);
                        break;
                    default:
                        throw new InvalidDataException($"An agent does not send {message.GetType().Name}.");
                }
            }
        }
        finally
        {
            await _closed.CancelAsync();
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _closed.Dispose();

    /// <summary>The answer of an agent that is not there.</summary>
    public static AgentReply.Failed Gone(string agent) => new(
        "agent-disconnected", $"The agent '{agent}' is not connected.",
        "Start the agent, or see why it cannot reach the service.", true);
}

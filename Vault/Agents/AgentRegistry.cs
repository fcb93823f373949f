using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Vault.Api;
using ReplicationEngine.Vault.Cli;

namespace ReplicationEngine.Vault.Agents;

/// <summary>The agents that are connected, and what each last reported of its volumes (kept while it is
/// away).</summary>
internal sealed class AgentRegistry(TimeProvider time, ServeOptions options)
{
    private readonly DateTimeOffset _started = time.GetUtcNow();
    private readonly ConcurrentDictionary<string, AgentSession> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _seen = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (string Agent, VolumeStatus Status)> _volumes =
        new(StringComparer.Ordinal);

    /// <summary>Raised with the agent's name when it has connected.</summary>
    public event Action<string>? Connected;

    /// <summary>Raised with the agent's name when its stream has ended and no newer one has taken its place.</summary>
    public event Action<string>? Disconnected;

    /// <summary>Raised for each volume of each report.</summary>
    public event Action<string, VolumeStatus>? Reported;

    /// <summary>The session of a connected agent; null when it is not connected.</summary>
    public AgentSession? Find(string agent) => _sessions.GetValueOrDefault(agent);

    /// <summary>How long an agent has been away, counted from the service's start for one that never came; zero while
    /// connected.</summary>
    public TimeSpan AwayFor(string agent) => _sessions.ContainsKey(agent)
        ? TimeSpan.Zero
        : time.GetUtcNow() - (_seen.TryGetValue(agent, out var seen) ? seen : _started);

    /// <summary>The names of the connected agents in ordinal order.</summary>
    public IReadOnlyList<string> ConnectedAgents => [.. _sessions.Keys.Order(StringComparer.Ordinal)];

    /// <summary>What was last reported of a VM's source side; null when nothing was since the service
    /// started.</summary>
    public VolumeStatus? Status(string vm) => _volumes.TryGetValue(vm, out var entry) ? entry.Status : null;

    /// <summary>Takes what an agent answered as its newest report of that volume.</summary>
    public void Note(string agent, VolumeStatus status)
    {
        _volumes[status.Vm] = (agent, status);
        Reported?.Invoke(agent, status);
    }

    /// <summary>Serves one agent's control stream until it ends.</summary>
    public async Task ServeAsync(Stream stream, CancellationToken cancellationToken)
    {
        await using var channel = new ControlChannel(stream);
        if (await channel.ReadAsync(cancellationToken) is not ControlMessage.Hello hello)
        {
            throw new InvalidDataException("An agent's first message is its hello.");
        }

        if (Refusal(hello) is { } reason)
        {
            await channel.SendAsync(new ControlMessage.Refused(reason), cancellationToken);
            return;
        }

        using var session = new AgentSession(hello.Agent, channel);
        if (!_sessions.TryAdd(hello.Agent, session))
        {
            await channel.SendAsync(new ControlMessage.Refused(
                $"An agent named '{hello.Agent}' is connected already; give this one another --name."),
                    cancellationToken);
            return;
        }

        Forget(hello.Agent);
        _seen[hello.Agent] = time.GetUtcNow();
        try
        {
            await channel.SendAsync(new ControlMessage.Welcome("default"), cancellationToken);
            var running = session.RunAsync(report => Take(hello.Agent, report), cancellationToken);
            Connected?.Invoke(hello.Agent);
            await running;
        }
        finally
        {
            _sessions.TryRemove(new KeyValuePair<string, AgentSession>(hello.Agent, session));
            _seen[hello.Agent] = time.GetUtcNow();
            Disconnected?.Invoke(hello.Agent);
        }
    }

    /// <summary>All agents ever seen since the service started.</summary>
    public IReadOnlyList<AgentView> Views() =>
        [.. _seen.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => new AgentView(
            s.Key, _sessions.ContainsKey(s.Key), s.Value,
            [.. _volumes.Values.Where(v => v.Agent == s.Key).Select(v => v.Status.Vm).Order(StringComparer.Ordinal)]))];

    private string? Refusal(ControlMessage.Hello hello)
    {
        if (options.Token is { } token && !CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(token), Encoding.UTF8.GetBytes(hello.Token ?? "")))
        {
            return "The service asks agents for a token, and this one's is missing or wrong; start it with --token.";
        }

        const int version = 1;
        const int longestName = 64;
        if (hello.Version != version)
        {
            return $"This service speaks control protocol {version}, the agent speaks {hello.Version}; update the "
                + $"older one.";
        }

        return hello.Agent.Length is 0 or > longestName
            ? $"An agent's name has 1 to {longestName} characters; '{hello.Agent}' does not."
            : null;
    }

    // What an agent reported before it was away says nothing of what it does now: it serves and sends nothing until
    // directed.
    private void Forget(string agent)
    {
        foreach (var volume in _volumes.Where(v => v.Value.Agent == agent))
        {
            _volumes.TryRemove(volume);
        }
    }

    private void Take(string agent, ControlMessage.Report report)
    {
        _seen[agent] = time.GetUtcNow();
        foreach (var status in report.Volumes)
        {
            Note(agent, status);
        }
    }
}

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
    private readonly Sighting _started = Sighting.Now(time);
    private readonly ConcurrentDictionary<string, AgentSession> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Sighting> _seen = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Sight> _volumes = new(StringComparer.Ordinal);

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
        : time.GetElapsedTime((_seen.TryGetValue(agent, out var seen) ? seen : _started).Stamp);

    /// <summary>The names of the connected agents in ordinal order.</summary>
    public IReadOnlyList<string> ConnectedAgents => [.. _sessions.Keys.Order(StringComparer.Ordinal)];

    /// <summary>What was last reported of a VM's source side; null when nothing was since the service
    /// started.</summary>
    public VolumeStatus? Status(string vm) => _volumes.TryGetValue(vm, out var entry) ? entry.Status : null;

    /// <summary>
    /// How old the oldest write is that the target does not durably have: its age by the agent's own clock when it
    /// reported, and the time since. So neither two machines' clocks that differ nor one that is set make a lag
    /// (I26). Zero when there is none; null when nothing was reported.
    /// </summary>
    public TimeSpan? LagOf(string vm)
    {
        if (!_volumes.TryGetValue(vm, out var sight))
        {
            return null;
        }

        if (sight.Status.OldestUnacked is not { } oldest)
        {
            return TimeSpan.Zero;
        }

        var reported = sight.Status.At - oldest;
        return (reported > TimeSpan.Zero ? reported : TimeSpan.Zero) + time.GetElapsedTime(sight.Stamp);
    }

    /// <summary>
    /// The time whose writes a failover now could lose: while the agent is connected its lag, or null when it has
    /// reported nothing; while it is away no less than the time it has been, since nobody knows what was written.
    /// </summary>
    public TimeSpan? AtRisk(string agent, string vm)
    {
        var (lag, away) = (LagOf(vm), AwayFor(agent));
        return away > (lag ?? TimeSpan.Zero) ? away : lag;
    }

    /// <summary>Takes what an agent answered as its newest report of that volume.</summary>
    public void Note(string agent, VolumeStatus status)
    {
        _volumes[status.Vm] = new Sight(agent, status, time.GetTimestamp());
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
        _seen[hello.Agent] = Sighting.Now(time);
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
            _seen[hello.Agent] = Sighting.Now(time);
            Disconnected?.Invoke(hello.Agent);
        }
    }

    /// <summary>All agents ever seen since the service started.</summary>
    public IReadOnlyList<AgentView> Views() =>
        [.. _seen.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => new AgentView(
            s.Key, _sessions.ContainsKey(s.Key), s.Value.At,
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
        _seen[agent] = Sighting.Now(time);
        foreach (var status in report.Volumes)
        {
            Note(agent, status);
        }
    }

    /// <summary>A moment, for people by the wall clock and for durations by the one that is never set.</summary>
    private readonly record struct Sighting(DateTimeOffset At, long Stamp)
    {
        public static Sighting Now(TimeProvider time) => new(time.GetUtcNow(), time.GetTimestamp());
    }

    private sealed record Sight(string Agent, VolumeStatus Status, long Stamp);
}

using System.Collections.Concurrent;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Vault.Api;

namespace ReplicationEngine.Vault.Agents;

/// <summary>The agents' control streams.</summary>
internal sealed class AgentRegistry(TimeProvider time) : IAgents
{
    private readonly ConcurrentDictionary<string, AgentSession> _sessions = new(StringComparer.Ordinal);

    /// <summary>Raised with the agent's name when it has connected.</summary>
    public event Action<string>? Connected;

    /// <summary>Raised with the agent's name when its stream has ended and no newer one has taken its place.</summary>
    public event Action<string>? Disconnected;

    /// <summary>Raised for each volume of each report.</summary>
    public event Action<string, VolumeStatus>? Reported;

    /// <inheritdoc/>
    public AgentSightings Sightings { get; } = new(time);

    /// <inheritdoc/>
    public AgentClocks Clocks { get; } = new(time);

    /// <summary>The names of the connected agents in ordinal order.</summary>
    public IReadOnlyList<string> ConnectedAgents => [.. _sessions.Keys.Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public async Task<AgentReply> AskAsync(string agent, AgentRequest request, CancellationToken ct) =>
        _sessions.TryGetValue(agent, out var session)
            ? await session.AskAsync(request, ct) : AgentSession.Gone(agent);

    /// <inheritdoc/>
    public void Note(string agent, VolumeStatus status)
    {
        Sightings.Note(agent, status);
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

        Sightings.Connected(hello.Agent);
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
            Sightings.Disconnected(hello.Agent);
            Disconnected?.Invoke(hello.Agent);
        }
    }

    /// <summary>All agents ever seen since the service started.</summary>
    public IReadOnlyList<AgentView> Views() => [.. Sightings.Agents.Select(seen => new AgentView(
        seen.Agent, seen.Connected, seen.LastSeen, Sightings.VmsOf(seen.Agent))
    {
        ClockOffsetSeconds = Clocks.OffsetOf(seen.Agent) is { } offset ? Math.Round(offset.TotalSeconds, 3) : null,
    })];

    private static string? Refusal(ControlMessage.Hello hello)
    {
        const int version = 2;
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

    private void Take(string agent, ControlMessage.Report report)
    {
        Sightings.Heard(agent);
        foreach (var status in report.Volumes)
        {
            Note(agent, status);
        }
    }
}

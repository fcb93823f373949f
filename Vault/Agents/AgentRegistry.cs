using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// The agents' control streams: one session per name; <see cref="AgentAdmission"/> decides which session has the name.
/// A session that loses its name is closed, and so are the data streams of a process that lost the name to another.
/// </summary>
internal sealed partial class AgentRegistry(
    TimeProvider time, AgentDoor door, AgentBindings bindings, ILogger<AgentRegistry> logger) : IAgents
{
    private readonly ConcurrentDictionary<string, AgentSession> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ProcessLife> _lives = new(StringComparer.Ordinal);
    private readonly RefusalsSaid _said = new(time);
    private readonly VmGates _admissions = new();

    /// <summary>Raised with the agent's name when it has connected.</summary>
    public event Action<string>? Connected;

    /// <summary>Raised with the agent's name when its stream has ended and no newer one has replaced it.</summary>
    public event Action<string>? Disconnected;

    /// <summary>Raised for each volume of each report.</summary>
    public event Action<string, VolumeStatus>? Reported;

    /// <inheritdoc/>
    public AgentObservations Observations { get; } = new(time);

    /// <inheritdoc/>
    public AgentClocks Clocks { get; } = new(time);

    /// <summary>The names of the connected agents in ordinal order.</summary>
    public IReadOnlyList<string> ConnectedAgents =>
        [.. _sessions.Keys.Where(Observations.IsConnected).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public async Task<AgentReply> AskAsync(string agent, AgentRequest request, CancellationToken ct) =>
        _sessions.TryGetValue(agent, out var session)
            ? await session.AskAsync(request, ct) : AgentSession.Gone(agent);

    /// <inheritdoc/>
    public void Note(string agent, VolumeStatus status)
    {
        Observations.Note(agent, status);
        Reported?.Invoke(agent, status);
    }

    /// <summary>Serves one agent's control stream until it ends or is refused.</summary>
    /// <exception cref="IOException">The stream broke, the agent fell silent, or another took its place.</exception>
    /// <exception cref="InvalidDataException">The agent does not follow the protocol.</exception>
    public async Task ServeAsync(Stream stream, string address, CancellationToken cancellationToken)
    {
        await using var channel = new ControlChannel(stream, time);
        if (await door.GreetAsync(channel, address, cancellationToken) is not { } claim)
        {
            return;
        }

        using var session = new AgentSession(claim, channel, time);
        try
        {
            if (await AdmitAsync(session, cancellationToken) is { } refusal)
            {
                await channel.SendAsync(refusal, cancellationToken);
                return;
            }

            var running = session.RunAsync(
                () => Heard(session), report => Take(session, report), cancellationToken);
            Connected?.Invoke(claim.Agent);
            await running;
            Ended(logger, claim.Agent, "it closed the connection");
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            Ended(logger, claim.Agent, e.Message);
            throw;
        }
        finally
        {
            if (_sessions.TryRemove(new KeyValuePair<string, AgentSession>(claim.Agent, session)))
            {
                Observations.Disconnected(claim.Agent);
                Disconnected?.Invoke(claim.Agent);
            }
        }
    }

    /// <summary>
    /// Returns the lifetime of an agent's data stream: a token that is cancelled when another process takes the agent's
    /// name. Null when the stream does not carry the secret of the agent's current session, so it is not authenticated.
    /// </summary>
    public CancellationToken? LifeOf(string agent, string? secret) =>
        _sessions.TryGetValue(agent, out var session) && session.IsOf(secret)
            && _lives.TryGetValue(agent, out var life) ? life.Over.Token : null;

    /// <summary>Releases a name, so that the next agent that registers it gets it.</summary>
    public ForgetOutcome Forget(string agent)
    {
        if (Observations.IsConnected(agent))
        {
            return ForgetOutcome.Connected;
        }

        if (!bindings.Forget(agent))
        {
            return ForgetOutcome.Unknown;
        }

        Observations.Settled(agent);
        return ForgetOutcome.Forgotten;
    }

    /// <summary>
    /// Returns all agents whose name is bound, that have connected since the service started, or whose name another
    /// process claims, in ordinal order.
    /// </summary>
    public IReadOnlyList<AgentView> Views()
    {
        var seen = Observations.Agents.ToDictionary(s => s.Agent, StringComparer.Ordinal);
        return
        [
            .. bindings.Names.Concat(seen.Keys).Concat(Observations.Contested).Distinct(StringComparer.Ordinal)
                .Order(StringComparer.Ordinal)
                .Select(name => seen.TryGetValue(name, out var known)
                    ? View(name, known.Connected, known.LastSeen) : View(name, connected: false, lastSeen: null)),
        ];
    }

    private AgentView View(string agent, bool connected, DateTimeOffset? lastSeen) =>
        new(agent, connected, lastSeen, Observations.VmsOf(agent))
        {
            ClockOffsetSeconds = Clocks.OffsetOf(agent) is { } offset ? Math.Round(offset.TotalSeconds, 3) : null,
            Process = _sessions.TryGetValue(agent, out var session) ? session.Claim.ToString() : null,
            Conflict = Observations.ConflictOf(agent)?.Text,
        };

    /// <summary>Gives the session its agent's name and sends the welcome; otherwise returns the refusal.</summary>
    private async Task<ControlMessage.Refused?> AdmitAsync(AgentSession session, CancellationToken ct)
    {
        var claim = session.Claim;
        using (await _admissions.EnterAsync(claim.Agent, ct))
        {
            var former = _sessions.GetValueOrDefault(claim.Agent);
            var verdict = AgentAdmission.Judge(bindings.KeyOf(claim.Agent), former?.Claim, claim);
            if (verdict is AdmissionVerdict.AskTheOther)
            {
                verdict = AgentAdmission.AfterAsking(
                    await former!.LivesAsync(AgentAdmission.ProofOfLife, ct), former.Claim, claim);
            }

            if (verdict is AdmissionVerdict.Refuse refuse)
            {
                return Refuse(claim, refuse);
            }

            try
            {
                bindings.Bind(claim.Agent, claim.Key);
            }
            catch (IOException e)
            {
                return new("busy", $"The service could not store this agent's key: {e.Message}");
            }

            Exchange(session);
            former?.Close($"{claim} has replaced it");
        }

        await session.WelcomeAsync(bindings.Vault, ct);
        return null;
    }

    private void Exchange(AgentSession session)
    {
        var (agent, incarnation) = (session.Agent, session.Claim.Process.Incarnation);
        if (!_lives.TryGetValue(agent, out var life) || life.Incarnation != incarnation)
        {
            _lives[agent] = new ProcessLife(incarnation, new CancellationTokenSource());
            life?.Over.Cancel();
        }

        _sessions[agent] = session;
        Observations.Connected(agent);
        Observations.Settled(agent);
        _said.Forget(agent);
        Admitted(logger, agent, session.Claim);
    }

    private ControlMessage.Refused Refuse(AgentClaim claim, AdmissionVerdict.Refuse refuse)
    {
        Observations.Conflicts(claim.Agent, refuse.Conflict);
        if (_said.IsWorthSaying(claim, refuse.Code))
        {
            Conflicting(logger, refuse.Conflict);
        }

        return new ControlMessage.Refused(refuse.Code, refuse.Reason);
    }

    private void Heard(AgentSession session)
    {
        if (IsCurrent(session))
        {
            Observations.Heard(session.Agent);
        }
    }

    // A session that has lost its name may still send reports; they are ignored.
    private void Take(AgentSession session, ControlMessage.Report report)
    {
        if (!IsCurrent(session))
        {
            return;
        }

        foreach (var status in report.Volumes)
        {
            Note(session.Agent, status);
        }
    }

    private bool IsCurrent(AgentSession session) =>
        _sessions.TryGetValue(session.Agent, out var current) && ReferenceEquals(current, session);

    [LoggerMessage(Level = LogLevel.Information, Message = "agent '{Agent}' is connected: {Who}")]
    private static partial void Admitted(ILogger logger, string agent, AgentClaim who);

    [LoggerMessage(Level = LogLevel.Information, Message = "the control stream of agent '{Agent}' ended: {Reason}")]
    private static partial void Ended(ILogger logger, string agent, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Conflict}")]
    private static partial void Conflicting(ILogger logger, string conflict);

    private sealed record ProcessLife(string Incarnation, CancellationTokenSource Over);
}

/// <summary>The result of a request to forget an agent.</summary>
internal enum ForgetOutcome
{
    /// <summary>The name is free.</summary>
    Forgotten = 0,

    /// <summary>No key has this name.</summary>
    Unknown = 1,

    /// <summary>The agent is connected, so the name stays bound.</summary>
    Connected = 2,
}

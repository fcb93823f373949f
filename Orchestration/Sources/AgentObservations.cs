using System.Collections.Concurrent;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>
/// The connected agents, how long the others have been away, and the last report of each agent's volumes. Durations are
/// measured by the monotonic clock (I26). Safe for concurrent use.
/// </summary>
/// <remarks>
/// An agent with an open session that sends nothing counts as away, because a stream can stay open long after the other
/// end is gone (B6).
/// </remarks>
public sealed class AgentObservations(TimeProvider time)
{
    private static readonly TimeSpan ConflictsShownFor = TimeSpan.FromMinutes(10);
    private readonly Observation _started = Observation.Now(time);
    private readonly ConcurrentDictionary<string, bool> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Observation> _seen = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Report> _volumes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (AgentConflict Conflict, long Stamp)> _conflicts =
        new(StringComparer.Ordinal);

    /// <summary>
    /// All agents seen since the start: name, whether the agent is connected, and when it was last seen.
    /// </summary>
    public IReadOnlyList<(string Agent, bool Connected, DateTimeOffset LastSeen)> Agents =>
        [.. _seen.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, IsConnected(s.Key), s.Value.At))];

    /// <summary>
    /// Records that an agent has connected. Its earlier reports are dropped, because it serves and sends nothing until
    /// directed.
    /// </summary>
    public void Connected(string agent)
    {
        foreach (var volume in _volumes.Where(v => v.Value.Agent == agent))
        {
            _volumes.TryRemove(volume);
        }

        _seen[agent] = Observation.Now(time);
        _sessions[agent] = true;
    }

    /// <summary>Records that an agent's connection has ended. The agent was last seen before.</summary>
    public void Disconnected(string agent) => _sessions.TryRemove(agent, out _);

    /// <summary>Records that a connected agent sent a message.</summary>
    public void Heard(string agent) => _seen[agent] = Observation.Now(time);

    /// <summary>Records a competing claim to an agent's name or identity, for the operator.</summary>
    public void Conflicts(string agent, string text)
    {
        var now = Observation.Now(time);
        var since = ConflictOf(agent)?.Since ?? now.At;
        _conflicts[agent] = (new AgentConflict(text, since), now.Stamp);
    }

    /// <summary>Removes the conflict about an agent.</summary>
    public void Settled(string agent) => _conflicts.TryRemove(agent, out _);

    /// <summary>
    /// Returns the competing claim to an agent's name or identity within the last ten minutes; null when there is none.
    /// </summary>
    public AgentConflict? ConflictOf(string agent) =>
        _conflicts.TryGetValue(agent, out var noted) && time.GetElapsedTime(noted.Stamp) < ConflictsShownFor
            ? noted.Conflict : null;

    /// <summary>The agent names for which <see cref="ConflictOf"/> returns a conflict.</summary>
    public IReadOnlyList<string> Contested => [.. _conflicts.Keys.Where(agent => ConflictOf(agent) is not null)];

    /// <summary>Records the newest report of a volume.</summary>
    public void Note(string agent, VolumeStatus status)
    {
        _volumes[status.Vm] = new Report(agent, status, time.GetTimestamp());
    }

    /// <summary>Whether an agent has a session, silent or not.</summary>
    public bool HasSession(string agent) => _sessions.ContainsKey(agent);

    /// <summary>
    /// Whether an agent is connected and sent a message within <see cref="ControlLimits.SilentTooLong"/>.
    /// </summary>
    public bool IsConnected(string agent) =>
        HasSession(agent) && SilentFor(agent) < ControlLimits.SilentTooLong;

    /// <summary>
    /// Returns how long an agent has been away, counted from the start for one that never connected; zero while
    /// connected.
    /// </summary>
    public TimeSpan AwayFor(string agent) => IsConnected(agent) ? TimeSpan.Zero : SilentFor(agent);

    /// <summary>Returns how long an agent has sent nothing, connected or not.</summary>
    public TimeSpan SilentFor(string agent) =>
        time.GetElapsedTime((_seen.TryGetValue(agent, out var seen) ? seen : _started).Stamp);

    /// <summary>
    /// Returns the last report of a VM's source side; null when there is none since its agent connected.
    /// </summary>
    public VolumeStatus? Status(string vm) => _volumes.TryGetValue(vm, out var report) ? report.Status : null;

    /// <summary>Returns the VMs that an agent has reported to hold.</summary>
    public IReadOnlyList<string> VmsOf(string agent) => [.. _volumes.Values
        .Where(v => v.Agent == agent && v.Status.Role != SourceRole.Released).Select(v => v.Status.Vm)
        .Order(StringComparer.Ordinal)];

    /// <summary>
    /// Returns the age of the oldest write that the target does not durably have: its age when the agent reported it,
    /// plus the time since. Clock differences between machines and clock changes therefore cause no lag (I26). Zero
    /// when there is no such write. Null when there is no report, or when the source has not opened its disks.
    /// </summary>
    public TimeSpan? LagOf(string vm)
    {
        if (!_volumes.TryGetValue(vm, out var report) || report.Status.Capture == CaptureMode.Closed)
        {
            return null;
        }

        return report.Status.LagSeconds is { } lag
            ? TimeSpan.FromSeconds(lag) + time.GetElapsedTime(report.Stamp) : TimeSpan.Zero;
    }

    /// <summary>
    /// Returns the time whose writes a failover now could lose. While the agent is connected, this is its lag, or null
    /// when it has reported nothing. While the agent is away, it is at least the time since, because its writes are
    /// unknown.
    /// </summary>
    public TimeSpan? AtRisk(string agent, string vm)
    {
        var (lag, away) = (LagOf(vm), AwayFor(agent));
        return away > (lag ?? TimeSpan.Zero) ? away : lag;
    }

    /// <summary>A moment: wall time for operators, and a monotonic timestamp for durations.</summary>
    private readonly record struct Observation(DateTimeOffset At, long Stamp)
    {
        public static Observation Now(TimeProvider time) => new(time.GetUtcNow(), time.GetTimestamp());
    }

    private sealed record Report(string Agent, VolumeStatus Status, long Stamp);
}

/// <summary>A competing claim to an agent's name or identity.</summary>
/// <param name="Text">The description for the operator.</param>
/// <param name="Since">When the claim was first observed.</param>
public sealed record AgentConflict(string Text, DateTimeOffset Since);

using System.Collections.Concurrent;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>
/// Which agents are connected, since when the others are away, and what each last reported of its volumes. Durations go
/// by the clock that is never set (I26). Safe to use from several tasks.
/// </summary>
/// <remarks>An agent with an open session that says nothing is away like one without: a stream can stay open long after
/// the other end is gone (B6).</remarks>
public sealed class AgentObservations(TimeProvider time)
{
    private static readonly TimeSpan ConflictsShownFor = TimeSpan.FromMinutes(10);
    private readonly Observation _started = Observation.Now(time);
    private readonly ConcurrentDictionary<string, bool> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Observation> _seen = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Report> _volumes = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (AgentConflict Conflict, long Stamp)> _conflicts =
        new(StringComparer.Ordinal);

    /// <summary>All agents seen since the start: name, whether it is connected, and when it was last seen.</summary>
    public IReadOnlyList<(string Agent, bool Connected, DateTimeOffset LastSeen)> Agents =>
        [.. _seen.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, IsConnected(s.Key), s.Value.At))];

    /// <summary>An agent has connected. What it reported before it was away says nothing of what it does now: it serves
    /// and sends nothing until directed.</summary>
    public void Connected(string agent)
    {
        foreach (var volume in _volumes.Where(v => v.Value.Agent == agent))
        {
            _volumes.TryRemove(volume);
        }

        _seen[agent] = Observation.Now(time);
        _sessions[agent] = true;
    }

    /// <summary>An agent's connection has ended; it was heard of last before.</summary>
    public void Disconnected(string agent) => _sessions.TryRemove(agent, out _);

    /// <summary>A connected agent said something.</summary>
    public void Heard(string agent) => _seen[agent] = Observation.Now(time);

    /// <summary>Notes who else claims an agent's name or identity, for the operator.</summary>
    public void Conflicts(string agent, string text)
    {
        var now = Observation.Now(time);
        var since = ConflictOf(agent)?.Since ?? now.At;
        _conflicts[agent] = (new AgentConflict(text, since), now.Stamp);
    }

    /// <summary>There is no conflict about the agent any more.</summary>
    public void Settled(string agent) => _conflicts.TryRemove(agent, out _);

    /// <summary>
    /// Who else has claimed an agent's name or identity within the last ten minutes; null for nobody.
    /// </summary>
    public AgentConflict? ConflictOf(string agent) =>
        _conflicts.TryGetValue(agent, out var noted) && time.GetElapsedTime(noted.Stamp) < ConflictsShownFor
            ? noted.Conflict : null;

    /// <summary>The names for which <see cref="ConflictOf"/> has one.</summary>
    public IReadOnlyList<string> Contested => [.. _conflicts.Keys.Where(agent => ConflictOf(agent) is not null)];

    /// <summary>Takes the newest report of a volume.</summary>
    public void Note(string agent, VolumeStatus status)
    {
        _volumes[status.Vm] = new Report(agent, status, time.GetTimestamp());
    }

    /// <summary>Whether there is a session with an agent, silent or not.</summary>
    public bool HasSession(string agent) => _sessions.ContainsKey(agent);

    /// <summary>
    /// Whether an agent is connected and was heard of within <see cref="ControlLimits.SilentTooLong"/>.
    /// </summary>
    public bool IsConnected(string agent) =>
        HasSession(agent) && SilentFor(agent) < ControlLimits.SilentTooLong;

    /// <summary>How long nothing was heard of an agent that is away, counted from the start for one that never came;
    /// zero while connected.</summary>
    public TimeSpan AwayFor(string agent) => IsConnected(agent) ? TimeSpan.Zero : SilentFor(agent);

    /// <summary>How long nothing was heard of an agent, connected or not.</summary>
    public TimeSpan SilentFor(string agent) =>
        time.GetElapsedTime((_seen.TryGetValue(agent, out var seen) ? seen : _started).Stamp);

    /// <summary>What was last reported of a VM's source side; null when nothing was since its agent came.</summary>
    public VolumeStatus? Status(string vm) => _volumes.TryGetValue(vm, out var report) ? report.Status : null;

    /// <summary>The VMs of which an agent has reported that it holds them.</summary>
    public IReadOnlyList<string> VmsOf(string agent) => [.. _volumes.Values
        .Where(v => v.Agent == agent && v.Status.Role != SourceRole.Released).Select(v => v.Status.Vm)
        .Order(StringComparer.Ordinal)];

    /// <summary>
    /// How old the oldest write is that the target does not durably have: its age when the agent reported
    /// it, and the time since. So neither two machines' clocks that differ nor one that is set make a lag
    /// (I26). Zero when there is none; null when nothing was reported, or by a source that has not opened its disks.
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
    /// The time whose writes a failover now could lose: while the agent is connected its lag, or null when it has
    /// reported nothing; while it is away no less than the time it has been, since nobody knows what was written.
    /// </summary>
    public TimeSpan? AtRisk(string agent, string vm)
    {
        var (lag, away) = (LagOf(vm), AwayFor(agent));
        return away > (lag ?? TimeSpan.Zero) ? away : lag;
    }

    /// <summary>A moment, for people by the wall clock and for durations by the one that is never set.</summary>
    private readonly record struct Observation(DateTimeOffset At, long Stamp)
    {
        public static Observation Now(TimeProvider time) => new(time.GetUtcNow(), time.GetTimestamp());
    }

    private sealed record Report(string Agent, VolumeStatus Status, long Stamp);
}

/// <summary>Who else claims an agent's name or identity.</summary>
/// <param name="Text">For the operator.</param>
/// <param name="Since">Since when it was seen.</param>
public sealed record AgentConflict(string Text, DateTimeOffset Since);

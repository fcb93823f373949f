using System.Collections.Concurrent;
using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Orchestration.Sources;

// Two machines' clocks are never compared for a duration. The measurements here serve two purposes.
//
// The offset, for operators: the service asks for the agent's time and takes the middle between request and reply for
// the moment of the reading, as NTP does. The error is at most half the round trip, so of the last readings the one
// with the shortest round trip counts. A reading that the round trips cannot explain means that a clock was set;
// earlier readings are then forgotten.
//
// A moment of the service's own for each report: a report carries the number of the newest probe that its agent had
// received, so its content was observed after that probe was sent. That holds whatever any clock shows, however long
// the report was under way (I21, I26).

/// <summary>The agents' clocks as measured by the service. Safe for concurrent use.</summary>
public sealed class AgentClocks(TimeProvider time)
{
    private const int ReadingsKept = 8;
    private const int ProbesKept = 4096;
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(20);
    private readonly ConcurrentDictionary<string, Clock> _clocks = new(StringComparer.Ordinal);
    private long _lastNumber = time.GetUtcNow().UtcTicks;

    /// <summary>
    /// Records that an agent is being asked for its time and returns the probe, whose number is unique across restarts.
    /// </summary>
    public AgentRequest.ProbeClock Ask(string agent)
    {
        var number = Interlocked.Increment(ref _lastNumber);
        var sent = ServiceMoment.Now(time);
        var clock = _clocks.GetOrAdd(agent, _ => new Clock());
        lock (clock)
        {
            clock.Sent[number] = sent;
            clock.Order.Enqueue(number);
            while (clock.Order.Count > ProbesKept)
            {
                clock.Sent.Remove(clock.Order.Dequeue());
            }
        }

        return new AgentRequest.ProbeClock(number);
    }

    /// <summary>Records a reply to a probe.</summary>
    public void Answered(string agent, AgentRequest.ProbeClock probe, AgentReply.ClockRead read)
    {
        if (!_clocks.TryGetValue(agent, out var clock))
        {
            return;
        }

        lock (clock)
        {
            if (!clock.Sent.TryGetValue(probe.Number, out var sent))
            {
                return;
            }

            var round = time.GetElapsedTime(sent.Stamp);
            clock.Take(new Reading(read.Now - (sent.At + (round / 2)), round));
        }
    }

    /// <summary>Returns the agent's clock minus the service's; null before the first reply.</summary>
    public TimeSpan? OffsetOf(string agent)
    {
        if (!_clocks.TryGetValue(agent, out var clock))
        {
            return null;
        }

        lock (clock)
        {
            return clock.Best?.Offset;
        }
    }

    /// <summary>
    /// Returns a moment after which everything in a report was observed; null when the report names no probe of this
    /// run of the service.
    /// </summary>
    public ServiceMoment? Before(string agent, VolumeStatus report)
    {
        if (report.Probe is not { } number || !_clocks.TryGetValue(agent, out var clock))
        {
            return null;
        }

        lock (clock)
        {
            return clock.Sent.TryGetValue(number, out var sent) ? sent : null;
        }
    }

    private readonly record struct Reading(TimeSpan Offset, TimeSpan Round);

    private sealed class Clock
    {
        private readonly Queue<Reading> _readings = new();

        public Dictionary<long, ServiceMoment> Sent { get; } = [];

        public Queue<long> Order { get; } = new();

        public Reading? Best => _readings.Count == 0 ? null : _readings.MinBy(reading => reading.Round);

        public void Take(Reading reading)
        {
            if (Best is { } best
                && (reading.Offset - best.Offset).Duration() > ((reading.Round + best.Round) / 2) + Tolerance)
            {
                _readings.Clear();
            }

            _readings.Enqueue(reading);
            if (_readings.Count > ReadingsKept)
            {
                _readings.Dequeue();
            }
        }
    }
}

/// <summary>A moment of the service: wall time for operators, and a monotonic timestamp for durations.</summary>
/// <param name="At">The wall clock's time (UTC).</param>
/// <param name="Stamp">The monotonic timestamp.</param>
public readonly record struct ServiceMoment(DateTimeOffset At, long Stamp)
{
    /// <summary>Returns the current moment.</summary>
    public static ServiceMoment Now(TimeProvider time) => new(time.GetUtcNow(), time.GetTimestamp());
}

using System.Collections.Concurrent;
using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Orchestration.Sources;

// Two machines' clocks are never compared for a duration. What is measured here serves two things.
//
// The offset, for people: the service asks for the agent's time and takes the middle between question and answer for
// the moment of the reading, as NTP does; the error is at most half the round trip, so of the last readings the one
// with the shortest round trip counts. A reading that cannot be explained by the round trips means that a clock was
// set: what was measured before it is forgotten.
//
// A moment of the service's own for each report: a report carries the number of the newest probe that its agent had
// received, so what it says was observed after that probe was sent. That holds whatever any clock shows, however long
// the report was under way (I21, I26).

/// <summary>The agents' clocks as the service measures them. Safe to use from several tasks.</summary>
public sealed class AgentClocks(TimeProvider time)
{
    private const int ReadingsKept = 8;
    private const int ProbesKept = 4096;
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(20);
    private readonly ConcurrentDictionary<string, Clock> _clocks = new(StringComparer.Ordinal);
    private long _lastNumber = time.GetUtcNow().UtcTicks;

    /// <summary>Notes that an agent is asked now; returns the number of the question, unique over restarts.</summary>
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

    /// <summary>Takes an answer.</summary>
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

    /// <summary>The agent's clock minus the service's; null before the first answer.</summary>
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
    /// A moment before which nothing that a report says was observed; null when the report names no probe of this life.
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

/// <summary>
/// A moment of the service: for people by the wall clock, for durations by the one that is never set.
/// </summary>
/// <param name="At">The wall clock's time (UTC).</param>
/// <param name="Stamp">The clock's timestamp.</param>
public readonly record struct ServiceMoment(DateTimeOffset At, long Stamp)
{
    /// <summary>The moment now.</summary>
    public static ServiceMoment Now(TimeProvider time) => new(time.GetUtcNow(), time.GetTimestamp());
}

using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Wakes the entities of a region, active or passive, when their next durable timer is due. One timer of the steady
/// clock serves all entities. Replaced alarms stay in the heap, are skipped when they surface, and are purged when
/// there are many. Alarms due at the same instant fire in no particular order.
/// </summary>
internal sealed class AlarmClock : IDisposable
{
    private const int MaxStaleShare = 4;
    private const int SmallHeap = 256;

    private static readonly TimeSpan s_longestWait = TimeSpan.FromDays(1);

    private readonly Lock _gate = new();
    private readonly PriorityQueue<PersistenceId, DateTimeOffset> _heap = new();
    private readonly Dictionary<PersistenceId, DateTimeOffset> _wishes = [];
    private readonly EngineClock _clock;
    private readonly Action<PersistenceId> _ring;
    private readonly ITimer _timer;
    private DateTimeOffset _armedFor = DateTimeOffset.MaxValue;

    public AlarmClock(EngineClock clock, Action<PersistenceId> ring)
    {
        _clock = clock;
        _ring = ring;
        _timer = clock.CreateTimer(_ => RingDue());
    }

    /// <summary>Replaces the entity's alarm with a time of the steady clock; null removes it.</summary>
    public void Set(PersistenceId id, DateTimeOffset? due)
    {
        lock (_gate)
        {
            if (due is not { } at)
            {
                _wishes.Remove(id);
                return;
            }

            _wishes[id] = at;
            _heap.Enqueue(id, at);
            if (_heap.Count > MaxStaleShare * _wishes.Count + SmallHeap)
            {
                DropReplaced();
            }

            if (at < _armedFor)
            {
                Arm(at);
            }
        }
    }

    public void Dispose() => _timer.Dispose();

    private void DropReplaced()
    {
        _heap.Clear();
        _heap.EnqueueRange(_wishes.Select(wish => (wish.Key, wish.Value)));
    }

    private void RingDue()
    {
        List<PersistenceId> due = [];
        lock (_gate)
        {
            var now = _clock.Steady;
            while (_heap.TryPeek(out var id, out var at))
            {
                var current = _wishes.TryGetValue(id, out var wish) && wish == at;
                if (current && at > now)
                {
                    break;
                }

                _heap.Dequeue();
                if (current)
                {
                    _wishes.Remove(id);
                    due.Add(id);
                }
            }

            Arm(_heap.TryPeek(out _, out var next) ? next : DateTimeOffset.MaxValue);
        }

        foreach (var id in due)
        {
            _ring(id);
        }
    }

    private void Arm(DateTimeOffset due)
    {
        _armedFor = due;
        if (due == DateTimeOffset.MaxValue)
        {
            _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            return;
        }

        // Rounded up to whole milliseconds, so that the timer does not fire early and find nothing due.
        var wait = Math.Ceiling(Math.Max(0, (due - _clock.Steady).TotalMilliseconds));
        _timer.Change(
            TimeSpan.FromMilliseconds(Math.Min(wait, s_longestWait.TotalMilliseconds)), Timeout.InfiniteTimeSpan);
    }
}

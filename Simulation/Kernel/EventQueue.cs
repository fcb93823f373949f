namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// The queue of future events, and the only source of virtual time. Events run in the order of their time, and at the
/// same time in the order of their insertion. Only one thread may use the queue.
/// </summary>
public sealed class EventQueue
{
    private readonly PriorityQueue<Action, (long Time, long Number)> _events = new(ByTime.Instance);
    private readonly int _owner = Environment.CurrentManagedThreadId;
    private long _inserted;

    /// <summary>The virtual time since the start. It never goes back.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>The number of events that have run.</summary>
    public long Steps { get; private set; }

    /// <summary>The number of events that wait.</summary>
    public int Count => _events.Count;

    /// <summary>The time of the next event; null when no event waits.</summary>
    public TimeSpan? Next => _events.TryPeek(out _, out var key) ? TimeSpan.FromTicks(key.Time) : null;

    /// <summary>Adds an event that runs after a delay. A negative delay means now.</summary>
    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Adds an event that runs at a virtual time. A time in the past means now.</summary>
    /// <exception cref="InvalidOperationException">Another thread calls: a run would not be repeatable.</exception>
    public void At(TimeSpan time, Action action)
    {
        if (Environment.CurrentManagedThreadId != _owner)
        {
            throw new InvalidOperationException("The queue is used by a second thread.");
        }

        _events.Enqueue(action, (Math.Max(time.Ticks, Now.Ticks), _inserted++));
    }

    /// <summary>Runs the next event. Returns false when no event waits.</summary>
    public bool Step()
    {
        if (!_events.TryDequeue(out var action, out var key))
        {
            return false;
        }

        Now = TimeSpan.FromTicks(key.Time);
        Steps++;
        action();
        return true;
    }

    /// <summary>Runs all events up to and including a time, and then sets the virtual time to it.</summary>
    public void RunUntil(TimeSpan time)
    {
        while (_events.TryPeek(out _, out var key) && key.Time <= time.Ticks)
        {
            Step();
        }

        Now = time > Now ? time : Now;
    }

    /// <summary>
    /// Runs events until a condition holds or a time is reached. Returns whether the condition holds.
    /// </summary>
    public bool RunUntil(TimeSpan time, Func<bool> condition)
    {
        while (!condition())
        {
            if (!_events.TryPeek(out _, out var key) || key.Time > time.Ticks)
            {
                Now = time > Now ? time : Now;
                return condition();
            }

            Step();
        }

        return true;
    }

    private sealed class ByTime : IComparer<(long Time, long Number)>
    {
        public static readonly ByTime Instance = new();

        public int Compare((long Time, long Number) x, (long Time, long Number) y)
        {
            var time = x.Time.CompareTo(y.Time);
            return time != 0 ? time : x.Number.CompareTo(y.Number);
        }
    }
}

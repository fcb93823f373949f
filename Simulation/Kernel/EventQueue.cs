namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// The one thing that makes time pass: events in the order of their virtual time, and at the same time in the order in
/// which they were put in. One thread.
/// </summary>
public sealed class EventQueue
{
    private readonly PriorityQueue<Action, (long Time, long Number)> _events = new(ByTime.Instance);
    private readonly int _owner = Environment.CurrentManagedThreadId;
    private long _inserted;

    /// <summary>Virtual time since the start; steady.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Events carried out so far.</summary>
    public long Steps { get; private set; }

    /// <summary>Events that wait.</summary>
    public int Count => _events.Count;

    /// <summary>The time of the next event; null when there is none.</summary>
    public TimeSpan? Next => _events.TryPeek(out _, out var key) ? TimeSpan.FromTicks(key.Time) : null;

    /// <summary>Puts in an event a while from now; a time in the past is now.</summary>
    public void After(TimeSpan delay, Action action) => At(Now + delay, action);

    /// <summary>Puts in an event at a virtual time; a time in the past is now.</summary>
    /// <exception cref="InvalidOperationException">Another thread calls: nothing would be the same twice.</exception>
    public void At(TimeSpan time, Action action)
    {
        if (Environment.CurrentManagedThreadId != _owner)
        {
            throw new InvalidOperationException("The queue is used by a second thread.");
        }

        _events.Enqueue(action, (Math.Max(time.Ticks, Now.Ticks), _inserted++));
    }

    /// <summary>Carries out the next event; false when there is none.</summary>
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

    /// <summary>Carries out all events up to and including a time; then it is that time.</summary>
    public void RunUntil(TimeSpan time)
    {
        while (_events.TryPeek(out _, out var key) && key.Time <= time.Ticks)
        {
            Step();
        }

        Now = time > Now ? time : Now;
    }

    /// <summary>Carries out events until the condition holds or the time is reached; whether it holds.</summary>
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

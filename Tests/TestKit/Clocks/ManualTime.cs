namespace ReplicationEngine.Tests.TestKit.Clocks;

/// <summary>
/// A clock that a test moves. <see cref="Advance"/> fires the timers that become due, in the order of their times, on
/// the thread that moves it, and each of them reads its own time. <see cref="JumpWall"/> sets the wall clock alone.
/// </summary>
/// <remarks>
/// <para>The framework's FakeTimeProvider cannot take its place: its AdjustTime sets timestamps together with the wall
/// clock, and that one of the two jumps while the other does not is what the tests of I26 are about.</para>
/// <para>Safe for many threads: <c>_gate</c> guards time and timers; callbacks run outside it.</para>
/// </remarks>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now;
    private TimeSpan _jumped;

    /// <summary>A clock that stands at the beginning of 2026.</summary>
    public ManualTime()
        : this(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero))
    {
    }

    /// <summary>A clock that stands at an instant.</summary>
    public ManualTime(DateTimeOffset start) => _now = start;

    /// <summary>
    /// Whether the clock moves by itself over whatever is waited for: a timer is due, once, as soon as it is set, and
    /// the time is then what it would have been. Its callback runs on the thread pool.
    /// </summary>
    public bool SkipsWaits { get; init; }

    /// <summary>How many timers are set.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _timers.Count(timer => timer.Due != DateTimeOffset.MaxValue);
            }
        }
    }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
        {
            return _now + _jumped;
        }
    }

    /// <inheritdoc/>
    public override long GetTimestamp()
    {
        lock (_gate)
        {
            return _now.Ticks;
        }
    }

    /// <summary>Sets the wall clock forward or back; timestamps and timers stay as they are.</summary>
    public void JumpWall(TimeSpan by)
    {
        lock (_gate)
        {
            _jumped += by;
        }
    }

    /// <summary>Moves the clock and fires what becomes due on the way, timers that callbacks set among it.</summary>
    public void Advance(TimeSpan by)
    {
        var until = Move(TimeSpan.Zero) + by;
        while (TakeNext(until) is { } timer)
        {
            timer.Fire();
        }
    }

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        lock (_gate)
        {
            _timers.Add(timer);
        }

        timer.Change(dueTime, period);
        return timer;
    }

    private DateTimeOffset Move(TimeSpan by)
    {
        lock (_gate)
        {
            return _now += by;
        }
    }

    /// <summary>Moves the clock to the next timer up to an instant and takes that timer, or moves it to the
    /// instant.</summary>
    private ManualTimer? TakeNext(DateTimeOffset until)
    {
        lock (_gate)
        {
            var next = _timers.Where(timer => timer.Due <= until).MinBy(timer => timer.Due);
            if (next is null)
            {
                _now = until > _now ? until : _now;
                return null;
            }

            _now = next.Due > _now ? next.Due : _now;
            next.Due = next.Period > TimeSpan.Zero ? _now + next.Period : DateTimeOffset.MaxValue;
            return next;
        }
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        public DateTimeOffset Due { get; set; } = DateTimeOffset.MaxValue;

        public TimeSpan Period { get; private set; }

        public void Fire() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var isSet = dueTime != Timeout.InfiniteTimeSpan;
            if (isSet && time.SkipsWaits)
            {
                time.Move(dueTime);
                return ThreadPool.QueueUserWorkItem(_ => Fire());
            }

            lock (time._gate)
            {
                Due = isSet ? time._now + dueTime : DateTimeOffset.MaxValue;
                Period = period;
                return true;
            }
        }

        public void Dispose()
        {
            lock (time._gate)
            {
                time._timers.Remove(this);
            }
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

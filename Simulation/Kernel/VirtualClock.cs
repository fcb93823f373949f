namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// The clocks of one machine. Timestamps and timers follow the queue and nothing else; what people read can be set
/// forward and back without moving them (C, I26). Timers ring through the queue, in a fixed order.
/// </summary>
/// <param name="queue">What makes time pass.</param>
/// <param name="start">What the wall clock shows at virtual time zero.</param>
public sealed class VirtualClock(EventQueue queue, DateTimeOffset start) : TimeProvider
{
    /// <summary>How far the wall clock was moved.</summary>
    public TimeSpan WallOffset { get; private set; }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Sets the wall clock forward, or back.</summary>
    public void Jump(TimeSpan by) => WallOffset += by;

    /// <summary>Puts the wall clock right again.</summary>
    public void PutRight() => WallOffset = TimeSpan.Zero;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => start + queue.Now + WallOffset;

    /// <inheritdoc/>
    public override long GetTimestamp() => queue.Now.Ticks;

    /// <inheritdoc/>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new QueueTimer(queue, () => callback(state));
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>A timer; an event that was put in for an older setting finds that out and does nothing.</summary>
    private sealed class QueueTimer(EventQueue queue, Action ring) : ITimer
    {
        private long _setting;
        private bool _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_disposed)
            {
                return false;
            }

            _setting++;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Arm(_setting, dueTime, period);
            }

            return true;
        }

        public void Dispose()
        {
            _disposed = true;
            _setting++;
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Arm(long setting, TimeSpan dueTime, TimeSpan period) => queue.After(dueTime, () =>
        {
            if (setting != _setting)
            {
                return;
            }

            if (period > TimeSpan.Zero)
            {
                Arm(setting, period, period);
            }

            ring();
        });
    }
}

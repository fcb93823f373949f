namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// The clocks of one simulated machine. Timestamps and timers follow only the queue's virtual time. The wall clock can
/// be set forward and back without an effect on them (fault class C, I26). Timers fire through the queue, in a fixed
/// order.
/// </summary>
/// <param name="queue">The queue whose virtual time the clocks follow.</param>
/// <param name="start">The wall clock's time at virtual time zero.</param>
public sealed class VirtualClock(EventQueue queue, DateTimeOffset start) : TimeProvider
{
    /// <summary>The distance by which the wall clock was moved.</summary>
    public TimeSpan WallOffset { get; private set; }

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>Sets the wall clock forward, or back when the time is negative.</summary>
    public void Jump(TimeSpan by) => WallOffset += by;

    /// <summary>Sets the wall clock to the right time again.</summary>
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

    /// <summary>
    /// A timer of the clock. Each setting has a number; an event of an older setting finds another number and does
    /// nothing.
    /// </summary>
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

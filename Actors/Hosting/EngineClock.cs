using ReplicationEngine.Actors.Entities;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The host's wall clock and steady clock. The steady clock starts at the wall clock's time when this object is
/// created.
/// </summary>
internal sealed class EngineClock(TimeProvider time)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _start = time.GetTimestamp();

    /// <summary>The current time of the steady clock.</summary>
    public DateTimeOffset Steady => _startedAt + time.GetElapsedTime(_start);

    /// <summary>The current instant on both clocks.</summary>
    public EngineInstant Now => new(time.GetUtcNow(), Steady) { HostStarted = _startedAt };

    /// <summary>Creates a timer of the steady clock.</summary>
    public ITimer CreateTimer(TimerCallback callback) =>
        time.CreateTimer(callback, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}

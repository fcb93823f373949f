using ReplicationEngine.Actors.Entities;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The host's two clocks; the steady one starts at the wall clock's time when this is made.</summary>
internal sealed class EngineClock(TimeProvider time)
{
    private readonly DateTimeOffset _startedAt = time.GetUtcNow();
    private readonly long _start = time.GetTimestamp();

    /// <summary>Now, by the steady clock.</summary>
    public DateTimeOffset Steady => _startedAt + time.GetElapsedTime(_start);

    /// <summary>Now, by both.</summary>
    public EngineInstant Now => new(time.GetUtcNow(), Steady) { HostStarted = _startedAt };

    /// <summary>A timer; it goes by the steady clock.</summary>
    public ITimer CreateTimer(TimerCallback callback) =>
        time.CreateTimer(callback, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
}

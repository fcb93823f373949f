namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// An instant on a monotonic clock that cannot be set (I25, I26). Two instants can be subtracted only within one run of
/// a host.
/// </summary>
/// <param name="Life">Identifies the run of the host: the wall clock's time when the host started.</param>
/// <param name="At">The position within that run: <paramref name="Life"/> plus the time elapsed since.</param>
public readonly record struct SteadyInstant(DateTimeOffset Life, DateTimeOffset At)
{
    /// <summary>
    /// Returns the time elapsed since an earlier instant; null when that instant is from another run of the host.
    /// </summary>
    public TimeSpan? Since(SteadyInstant earlier) => Life == earlier.Life ? At - earlier.At : null;
}

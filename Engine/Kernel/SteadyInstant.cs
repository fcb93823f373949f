namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// A moment by a clock that nobody can set (I25, I26). Two moments can be subtracted only within one life of a host.
/// </summary>
/// <param name="Life">What tells the lives apart: the wall clock's time when the host started.</param>
/// <param name="At">The place on that life's axis: <paramref name="Life"/> plus what has passed since.</param>
public readonly record struct SteadyInstant(DateTimeOffset Life, DateTimeOffset At)
{
    /// <summary>What has passed since an earlier moment; null when that was in another life.</summary>
    public TimeSpan? Since(SteadyInstant earlier) => Life == earlier.Life ? At - earlier.At : null;
}

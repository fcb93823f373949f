namespace ReplicationEngine.Engine.Policies;

/// <summary>The delays after a recoverable error (ERR-1): 1, 2, 4, 8 and 10 minutes, then 30 minutes each.</summary>
internal static class RetrySchedule
{
    /// <summary>Returns the delay after the <paramref name="failures"/>-th failure in a row (1 is the first).</summary>
    public static TimeSpan DelayAfter(int failures) => TimeSpan.FromMinutes(failures switch
    {
        <= 1 => 1,
        2 => 2,
        3 => 4,
        4 => 8,
        5 => 10,
        _ => 30,
    });
}

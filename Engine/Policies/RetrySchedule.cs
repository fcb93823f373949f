namespace ReplicationEngine.Engine.Policies;

/// <summary>The delays after a recoverable error (ERR-1): 1, 2, 4, 8, 10 minutes, then every 30.</summary>
internal static class RetrySchedule
{
    /// <summary>How long to wait after the <paramref name="failures"/>-th failure in a row (1 is the first).</summary>
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

namespace ReplicationEngine.Actors.Entities;

/// <summary>The limits of an entity's core.</summary>
public sealed record EntityCoreOptions
{
    /// <summary>A snapshot is stored after this many events; default 200.</summary>
    public int SnapshotEvery { get; init; } = 200;

    /// <summary>
    /// How many answers are remembered in memory, refusals included; default 64. Accepted commands older than that are
    /// recognised by the journal; a refusal is no longer remembered, and its command is judged again.
    /// </summary>
    public int RememberedCommands { get; init; } = 64;

    /// <summary>How many exceptions within <see cref="RestartWindow"/> are answered by a restart; default 3.</summary>
    public int RestartBudget { get; init; } = 3;

    /// <summary>The time over which exceptions are counted; default 1 minute.</summary>
    public TimeSpan RestartWindow { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>When a due timer whose command changed nothing is tried again; default 1 minute.</summary>
    public TimeSpan TimerRetry { get; init; } = TimeSpan.FromMinutes(1);
}

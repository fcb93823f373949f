namespace ReplicationEngine.Actors.Entities;

/// <summary>The limits of an entity's core.</summary>
public sealed record EntityCoreOptions
{
    /// <summary>The number of events after which a snapshot is stored; default 200.</summary>
    public int SnapshotEvery { get; init; } = 200;

    /// <summary>
    /// How many replies are kept in memory, refusals included; default 64. Older accepted commands are recognised by
    /// the journal. An older refusal is forgotten, and its command is decided again.
    /// </summary>
    public int RememberedCommands { get; init; } = 64;

    /// <summary>
    /// How many exceptions within <see cref="RestartWindow"/> lead to a restart before the entity is quarantined;
    /// default 3.
    /// </summary>
    public int RestartBudget { get; init; } = 3;

    /// <summary>The time over which exceptions are counted; default 1 minute.</summary>
    public TimeSpan RestartWindow { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>How long after it fired a timer whose command changed nothing fires again; default 1 minute.</summary>
    public TimeSpan TimerRetry { get; init; } = TimeSpan.FromMinutes(1);
}

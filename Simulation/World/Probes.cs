namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The states that are no events of an entity, but for which the production code has a solution.
/// <see cref="Sometimes"/> counts how often each state is reached.
/// </summary>
internal static class Probes
{
    /// <summary>Reached when batches of several connections are in progress at once.</summary>
    public const string BatchesAtOnce = "guest: several batches under way";

    /// <summary>Reached when a batch waits for an earlier one that changes the same bytes.</summary>
    public const string BatchWaits = "guest: a batch waits for one that overlaps it";

    /// <summary>Reached when the engine waits for batches in progress (to fence, to close, to copy a block).</summary>
    public const string EngineWaits = "guest: the engine waits for batches under way";

    /// <summary>Reached when a recovery point is marked while batches are in progress.</summary>
    public const string MarkedUnderWay = "guest: a point is marked while batches are under way";

    /// <summary>Reached when the agent's process dies while batches are in progress.</summary>
    public const string DiedUnderWay = "guest: the agent dies while batches are under way";

    /// <summary>Reached when the network forgets a connection.</summary>
    public const string HalfOpen = "link: a connection is half open";

    /// <summary>Reached when the receiver of a data stream gives up a silent sender.</summary>
    public const string HalfOpenNoticed = "link: a receiver gives up a silent sender";

    /// <summary>Reached when a failover, commit or cancel is done in time.</summary>
    public const string PromptAnswer = "target: a failover, commit or cancel is done in time";

    /// <summary>Reached when a failover, commit or cancel takes longer than allowed.</summary>
    public const string SlowAnswer = "target: a failover, commit or cancel takes longer";

    /// <summary>Reached when a source's machine is reverted to a snapshot.</summary>
    public const string Reverted = "host: the machine is put back to a snapshot";

    /// <summary>Reached when the disks of a source are restored without its agent's data.</summary>
    public const string DisksRestored = "host: the disks are restored";

    /// <summary>Reached when the data of an agent is restored without the disks.</summary>
    public const string DataRestored = "host: the agent's data is restored";

    /// <summary>Reached when another copy of a source's machine replaces it.</summary>
    public const string Swapped = "host: another copy of the machine goes on";

    /// <summary>Reached when a disk grows while it is served.</summary>
    public const string GrownRunning = "host: a disk grows while it is served";

    /// <summary>Reached when a disk loses its end while it is served.</summary>
    public const string ShrunkRunning = "host: a disk loses its end while it is served";

    /// <summary>Reached when an operator asks for a commit while the recovery point is being changed.</summary>
    public const string CommitWhileChanging = "engine: a commit is asked for while the point changes";

    /// <summary>
    /// Reached when a copy becomes durable at the replica after a newer generation has begun, so that it clears
    /// nothing.
    /// </summary>
    public const string LateClear = "source: a copy of an older generation clears nothing";

    /// <summary>Reached when a store is asked to drop a recovery point from which a machine runs.</summary>
    public const string PruneHeld = "store: a point that is held is to be dropped";

    /// <summary>
    /// Reached when a sender's term is stale at the start of its session, although the handshake accepted it.
    /// </summary>
    public const string StaleAtStore = "store: a sender of a term that is over";

    /// <summary>Reached when a source is opened whose own state says that it is fenced.</summary>
    public const string FencedOpened = "source: a fenced source is opened again";

    /// <summary>Reached when an agent that may start alone finds a fenced source and leaves it closed.</summary>
    public const string FencedAlone = "source: a fenced source is not started alone";

    /// <summary>
    /// Reached when events of a late owner are not stored, because another owner's events are in their place.
    /// </summary>
    public const string NotTaken = "journal: a late owner's events are not taken";

    /// <summary>Reached when an entity ignores a damaged snapshot and reads the whole stream.</summary>
    public const string SnapshotIgnored = "journal: a damaged snapshot is left aside";

    /// <summary>
    /// Reached when a running effect is cancelled, because it is no longer outstanding or its entity was recovered
    /// again.
    /// </summary>
    public const string EffectCancelled = "engine: an effect under way is cancelled";

    /// <summary>All probes, in the order in which the table of reached states lists them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        BatchesAtOnce, BatchWaits, EngineWaits, MarkedUnderWay, DiedUnderWay, HalfOpen, HalfOpenNoticed,
        PromptAnswer, SlowAnswer, Reverted, DisksRestored, DataRestored, Swapped,
        GrownRunning, ShrunkRunning, CommitWhileChanging, LateClear, PruneHeld, StaleAtStore, FencedOpened,
        FencedAlone, NotTaken, SnapshotIgnored, EffectCancelled,
    ];
}

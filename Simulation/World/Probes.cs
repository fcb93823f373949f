namespace ReplicationEngine.Simulation.World;

/// <summary>States that are no events of an entity, and that the production code has answers for: how often each is
/// reached is counted in <see cref="Sometimes"/>.</summary>
internal static class Probes
{
    /// <summary>Batches of several connections were under way at once.</summary>
    public const string BatchesAtOnce = "guest: several batches under way";

    /// <summary>A batch waited for an earlier one that changes the same bytes.</summary>
    public const string BatchWaits = "guest: a batch waits for one that overlaps it";

    /// <summary>The engine waited for batches under way (to fence, to close, to copy a block).</summary>
    public const string EngineWaits = "guest: the engine waits for batches under way";

    /// <summary>A point was marked while batches were under way.</summary>
    public const string MarkedUnderWay = "guest: a point is marked while batches are under way";

    /// <summary>The process died while batches were under way.</summary>
    public const string DiedUnderWay = "guest: the agent dies while batches are under way";

    /// <summary>A connection was forgotten by the network, or its other end lost power.</summary>
    public const string HalfOpen = "link: a connection is half open";

    /// <summary>The receiving end of a data stream gave up a sender that said nothing.</summary>
    public const string HalfOpenNoticed = "link: a receiver gives up a silent sender";

    /// <summary>A failover, commit or cancel was done in time.</summary>
    public const string PromptAnswer = "target: a failover, commit or cancel is done in time";

    /// <summary>A failover, commit or cancel took longer than it may.</summary>
    public const string SlowAnswer = "target: a failover, commit or cancel takes longer";

    /// <summary>A source's machine was put back to a snapshot.</summary>
    public const string Reverted = "host: the machine is put back to a snapshot";

    /// <summary>Disks of a source were restored under its agent's data.</summary>
    public const string DisksRestored = "host: the disks are restored";

    /// <summary>The data of an agent was restored next to its disks.</summary>
    public const string DataRestored = "host: the agent's data is restored";

    /// <summary>Another copy of a source's machine went on.</summary>
    public const string Swapped = "host: another copy of the machine goes on";

    /// <summary>A disk grew while it was served.</summary>
    public const string GrownRunning = "host: a disk grows while it is served";

    /// <summary>A disk lost its end while it was served.</summary>
    public const string ShrunkRunning = "host: a disk loses its end while it is served";

    /// <summary>A commit was asked for while the point was changing.</summary>
    public const string CommitWhileChanging = "engine: a commit is asked for while the point changes";

    /// <summary>A copy was durable at the replica after a newer generation had begun: it clears nothing.</summary>
    public const string LateClear = "source: a copy of an older generation clears nothing";

    /// <summary>A store was asked to drop a point under a machine that runs on it.</summary>
    public const string PruneHeld = "store: a point that is held is to be dropped";

    /// <summary>A sender's term was over when its session began, after the handshake had found it right.</summary>
    public const string StaleAtStore = "store: a sender of a term that is over";

    /// <summary>A source was opened that its own state says is fenced.</summary>
    public const string FencedOpened = "source: a fenced source is opened again";

    /// <summary>An agent that may start alone found a fenced source, and left it closed.</summary>
    public const string FencedAlone = "source: a fenced source is not started alone";

    /// <summary>Events came too late: another owner's stand in their place.</summary>
    public const string NotTaken = "journal: a late owner's events are not taken";

    /// <summary>A damaged snapshot was left aside, and the whole stream read.</summary>
    public const string SnapshotIgnored = "journal: a damaged snapshot is left aside";

    /// <summary>An effect was cancelled while it was under way, since it was outstanding no longer or its entity was
    /// recovered again.</summary>
    public const string EffectCancelled = "engine: an effect under way is cancelled";

    /// <summary>All of them, as the table of what was reached lists them.</summary>
    public static IReadOnlyList<string> All { get; } =
    [
        BatchesAtOnce, BatchWaits, EngineWaits, MarkedUnderWay, DiedUnderWay, HalfOpen, HalfOpenNoticed,
        PromptAnswer, SlowAnswer, Reverted, DisksRestored, DataRestored, Swapped,
        GrownRunning, ShrunkRunning, CommitWhileChanging, LateClear, PruneHeld, StaleAtStore, FencedOpened,
        FencedAlone, NotTaken, SnapshotIgnored, EffectCancelled,
    ];
}

using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

/// <summary>What becomes of the guest's writes at the source.</summary>
public enum CaptureMode
{
    /// <summary>Nothing is captured: the source is not the primary, or serves no disks.</summary>
    None = 0,

    /// <summary>Each stands in the replication log.</summary>
    Logging = 1,

    /// <summary>The log takes no more; extents are marked and compared later.</summary>
    Marking = 2,
}

/// <summary>Why extents are to be sent that the log did not carry.</summary>
public enum SightedCause
{
    /// <summary>For no reason: there are none.</summary>
    None = 0,

    /// <summary>The log, its file system or its quota are full, or it cannot be written.</summary>
    LogFull = 1,

    /// <summary>The log reached half of the disk (RES-4).</summary>
    LogHalfOfDisk = 2,

    /// <summary>The source crashed or lost power (RES-2).</summary>
    UncleanShutdown = 3,

    /// <summary>A disk has another size.</summary>
    Resized = 4,

    /// <summary>Somebody wrote to the disk beside the engine.</summary>
    ChangedOutside = 5,

    /// <summary>A person asked for it.</summary>
    UserRequest = 6,

    /// <summary>Log, disk or replica are damaged, or do not fit each other.</summary>
    Damaged = 7,

    /// <summary>Anything else, as an initial copy.</summary>
    Other = 8,

    /// <summary>
    /// The replica follows another history of the disks: the source was put back, restored or cloned.
    /// </summary>
    HistoryForked = 9,
}

/// <summary>The last change of the source that a recovered machine holds.</summary>
/// <param name="Generation">Its generation.</param>
/// <param name="Lsn">Its number in the generation.</param>
public readonly record struct RecoveredCut(Generation Generation, Lsn Lsn);

/// <summary>What the source side of a VM said of itself last, while its agent is connected.</summary>
public sealed record SourceSight
{
    /// <summary>The role it plays.</summary>
    public required SourceRole Role { get; init; }

    /// <summary>The term under which it does.</summary>
    public required Term Term { get; init; }

    /// <summary>
    /// Whether it has its disks open. When not, it remembers role and term, plays neither, and knows nothing else.
    /// </summary>
    public bool IsOpen { get; init; } = true;

    /// <summary>What becomes of writes.</summary>
    public CaptureMode Capture { get; init; }

    /// <summary>Why extents are marked.</summary>
    public SightedCause Cause { get; init; }

    /// <summary>The same for people; empty when there is nothing to say.</summary>
    public string CauseText { get; init; } = "";

    /// <summary>The generation of its newest change.</summary>
    public Generation Generation { get; init; }

    /// <summary>The number of its newest change in that generation.</summary>
    public Lsn Tail { get; init; }

    /// <summary>When it said so, by its own clock, which may differ from the service's: for display only.</summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Bytes of extents that are to be compared or copied.</summary>
    public long DirtyBytes { get; init; }

    /// <summary>Bytes of changes that the replica does not have.</summary>
    public long LagBytes { get; init; }

    /// <summary>Bytes written that the recovered machine does not know, of a source that was fenced.</summary>
    public long DivergentBytes { get; init; }

    /// <summary>From where on a fenced source counts those bytes; null when it was not told.</summary>
    public RecoveredCut? Cut { get; init; }

    /// <summary>Whether the data stream is up.</summary>
    public bool Connected { get; init; }

    /// <summary>Whether the stream carries the log and nothing else.</summary>
    public bool Streaming { get; init; }

    /// <summary>Bytes sent since the agent counts.</summary>
    public long WireBytes { get; init; }

    /// <summary>Bytes sent by the copy or resync that runs, or ran last.</summary>
    public long CopiedBytes { get; init; }

    /// <summary>What is wrong at the source, the worst first.</summary>
    public ValueList<EffectError> Problems { get; init; } = [];

    /// <summary>The disks with their sizes now.</summary>
    public ValueList<ProtectedDisk> Disks { get; init; } = [];

    /// <summary>The paths of the disks that have no address, so that no machine can use them.</summary>
    public ValueList<string> Unserved { get; init; } = [];

    /// <summary>Whether the agent has hooks for application-consistent points; null when it did not say.</summary>
    public bool? HasHooks { get; init; }

    /// <summary>Why a resync runs that nobody ordered.</summary>
    public ResyncReason ResyncReason => Cause switch
    {
        SightedCause.UncleanShutdown => ResyncReason.ForcedShutdown,
        SightedCause.LogHalfOfDisk => ResyncReason.LogHalfOfDisk,
        SightedCause.Resized => ResyncReason.DiskResized,
        SightedCause.ChangedOutside => ResyncReason.ChangedOutside,
        SightedCause.HistoryForked => ResyncReason.HistoryForked,
        SightedCause.UserRequest => ResyncReason.UserRequest,
        SightedCause.Damaged => ResyncReason.TransferFailed,
        _ => ResyncReason.DirtyMap,
    };
}

using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

/// <summary>The last change of the source that a recovered machine holds.</summary>
/// <param name="Generation">Its generation.</param>
/// <param name="Lsn">Its number in the generation.</param>
public readonly record struct RecoveredCut(Generation Generation, Lsn Lsn);

/// <summary>What the source side of a VM said of itself last, while its agent is connected.</summary>
public sealed record SourceObservation
{
    /// <summary>The role it plays.</summary>
    public required SourceRole Role { get; init; }

    /// <summary>The term under which it does.</summary>
    public required Term Term { get; init; }

    /// <summary>
    /// Whether it has its disks open. When not, it remembers role and term, plays neither, and knows nothing else.
    /// </summary>
    public bool IsOpen => Capture != CaptureMode.Closed;

    /// <summary>How the guest's writes are captured.</summary>
    public CaptureMode Capture { get; init; } = CaptureMode.None;

    /// <summary>Why extents are dirty.</summary>
    public DirtyCause Cause { get; init; }

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
        DirtyCause.UncleanShutdown => ResyncReason.ForcedShutdown,
        DirtyCause.BacklogHalfOfDisk => ResyncReason.LogHalfOfDisk,
        DirtyCause.Resized => ResyncReason.DiskResized,
        DirtyCause.ChangedOutside => ResyncReason.ChangedOutside,
        DirtyCause.HistoryForked => ResyncReason.HistoryForked,
        DirtyCause.UserRequest => ResyncReason.UserRequest,
        DirtyCause.LogDamaged or DirtyCause.ReplicaUnknown or DirtyCause.DeviceWriteFailed =>
            ResyncReason.TransferFailed,
        _ => ResyncReason.DirtyMap,
    };

    /// <summary>Whether the log could not take what the guest wrote.</summary>
    public bool LogOutgrown => Cause is DirtyCause.CacheFull or DirtyCause.NoSpace or DirtyCause.CacheFailed
        or DirtyCause.BacklogHalfOfDisk;
}

using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

/// <summary>The last change of the source that a recovered machine holds.</summary>
/// <param name="Generation">The generation of the change.</param>
/// <param name="Lsn">The number of the change in that generation.</param>
public readonly record struct RecoveredCut(Generation Generation, Lsn Lsn);

/// <summary>
/// The latest status reported by the source side of a VM. Only available while its agent is connected.
/// </summary>
public sealed record SourceObservation
{
    /// <summary>The role of the source side.</summary>
    public required SourceRole Role { get; init; }

    /// <summary>The term of the current role.</summary>
    public required Term Term { get; init; }

    /// <summary>
    /// Whether the disks are open. When they are not, role and term are the last known ones, the source acts in
    /// neither, and the other properties are unknown.
    /// </summary>
    public bool IsOpen => Capture != CaptureMode.Closed;

    /// <summary>How the guest's writes are captured.</summary>
    public CaptureMode Capture { get; init; } = CaptureMode.None;

    /// <summary>Why extents are dirty.</summary>
    public DirtyCause Cause { get; init; }

    /// <summary>A description of <see cref="Cause"/> for operators; empty when there is none.</summary>
    public string CauseText { get; init; } = "";

    /// <summary>The generation of the newest change.</summary>
    public Generation Generation { get; init; }

    /// <summary>The number of the newest change in its generation.</summary>
    public Lsn Tail { get; init; }

    /// <summary>
    /// When the status was reported, by the agent's clock, which may differ from the service's. For display only.
    /// </summary>
    public DateTimeOffset At { get; init; }

    /// <summary>Bytes of extents that must be compared or copied.</summary>
    public long DirtyBytes { get; init; }

    /// <summary>Bytes of changes that the replica does not have.</summary>
    public long LagBytes { get; init; }

    /// <summary>Bytes written by a fenced source that the recovered machine does not have.</summary>
    public long DivergentBytes { get; init; }

    /// <summary>
    /// The position from which a fenced source counts divergent bytes; null when the source was not given one.
    /// </summary>
    public RecoveredCut? Cut { get; init; }

    /// <summary>Whether the data stream is connected.</summary>
    public bool Connected { get; init; }

    /// <summary>Whether the stream carries only the log, with no copy or resync in progress.</summary>
    public bool Streaming { get; init; }

    /// <summary>Bytes sent since the agent began to count.</summary>
    public long WireBytes { get; init; }

    /// <summary>Bytes sent by the current or most recent copy or resync.</summary>
    public long CopiedBytes { get; init; }

    /// <summary>Problems at the source, worst first.</summary>
    public ValueList<EffectError> Problems { get; init; } = [];

    /// <summary>The disks with their current sizes.</summary>
    public ValueList<ProtectedDisk> Disks { get; init; } = [];

    /// <summary>The paths of disks without an address, which no machine can use.</summary>
    public ValueList<string> Unserved { get; init; } = [];

    /// <summary>
    /// Whether the agent has hooks for application-consistent points; null when the agent did not report it.
    /// </summary>
    public bool? HasHooks { get; init; }

    /// <summary>Why a resync runs that was not ordered.</summary>
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

    /// <summary>Whether the log could not record the guest's writes.</summary>
    public bool LogOutgrown => Cause is DirtyCause.CacheFull or DirtyCause.NoSpace or DirtyCause.CacheFailed
        or DirtyCause.BacklogHalfOfDisk;
}

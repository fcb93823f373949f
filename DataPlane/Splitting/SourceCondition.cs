namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Whether the log carries the guest's writes.</summary>
public enum SourceMode : byte
{
    /// <summary>Every write stands in the log.</summary>
    Logging = 0,

    /// <summary>Writes only mark extents dirty; a resync of those follows (I27).</summary>
    DirtyMap = 1,
}

/// <summary>What last made extents dirty or changed the mode.</summary>
public enum SourceCause : byte
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The volume is new: all of it is to be copied.</summary>
    InitialReplication = 1,

    /// <summary>The log reached its limit (REP-10).</summary>
    CacheFull = 2,

    /// <summary>The log's file system has no space left.</summary>
    NoSpace = 3,

    /// <summary>The log could not be written for another reason.</summary>
    CacheFailed = 4,

    /// <summary>A disk's part of the log reached half of the disk's size (RES-4).</summary>
    BacklogHalfOfDisk = 5,

    /// <summary>The machine went down without a clean close (RES-2).</summary>
    UncleanShutdown = 6,

    /// <summary>A record of the log is damaged (RES-1).</summary>
    LogDamaged = 7,

    /// <summary>The replica stands at a place this log cannot go on from (RES-1).</summary>
    ReplicaUnknown = 8,

    /// <summary>A disk was resized (RES-3).</summary>
    Resized = 9,

    /// <summary>A disk was changed while it was not served.</summary>
    ChangedOutside = 10,

    /// <summary>A user asked for a resync (RES-6).</summary>
    UserRequest = 11,

    /// <summary>A source disk refused a write that the log already held.</summary>
    DeviceWriteFailed = 12,

    /// <summary>The disks were written below this volume while it was fenced (failback).</summary>
    FailedBack = 13,

    /// <summary>
    /// The replica follows another history of these disks than this one: the source was put back to a snapshot,
    /// restored or cloned (RES-1).
    /// </summary>
    HistoryForked = 14,
}

/// <summary>How a volume is, for health.</summary>
/// <param name="Mode">Whether the log carries the writes.</param>
/// <param name="Cause">Why, or what last made extents dirty.</param>
/// <param name="Detail">One sentence for people; empty when all is well.</param>
/// <param name="SyncFailed">A source disk failed to sync: FLUSH answers EIO until the volume is opened again
/// (I28).</param>
/// <param name="Fenced">Writes are refused (FOV-8).</param>
/// <param name="Since">When it came to be so.</param>
public sealed record SourceCondition(
    SourceMode Mode, SourceCause Cause, string Detail, bool SyncFailed, bool Fenced, DateTimeOffset Since);

namespace ReplicationEngine.Engine.Observations;

/// <summary>
/// Why extents of a source are dirty, that is to be compared or copied because the log does not carry their changes; or
/// why the way of capture changed last. The values are stored.
/// </summary>
public enum DirtyCause : byte
{
    /// <summary>No extents are dirty.</summary>
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

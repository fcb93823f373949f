namespace ReplicationEngine.Engine.Observations;

/// <summary>
/// Why extents of a source are dirty, which means they must be compared or copied because the log does not carry their
/// changes; or why the capture mode last changed. The values are stored.
/// </summary>
public enum DirtyCause : byte
{
    /// <summary>No extents are dirty.</summary>
    None = 0,

    /// <summary>The volume is new, so every extent must be copied.</summary>
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

    /// <summary>The replica is at a position from which this log cannot continue (RES-1).</summary>
    ReplicaUnknown = 8,

    /// <summary>A disk was resized (RES-3).</summary>
    Resized = 9,

    /// <summary>A disk was changed while no agent served it.</summary>
    ChangedOutside = 10,

    /// <summary>A user asked for a resync (RES-6).</summary>
    UserRequest = 11,

    /// <summary>A source disk refused a write that the log already held.</summary>
    DeviceWriteFailed = 12,

    /// <summary>The disks were written below this volume while it was fenced (failback).</summary>
    FailedBack = 13,

    /// <summary>
    /// The replica follows a different history of these disks: the source was reverted to a snapshot, restored or
    /// cloned (RES-1).
    /// </summary>
    HistoryForked = 14,
}

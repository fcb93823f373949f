using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The progress of a volume's replication, for status and health.</summary>
/// <param name="Mode">Whether the log holds the writes.</param>
/// <param name="Tail">The newest logged change.</param>
/// <param name="Acknowledged">The replica's durable position.</param>
/// <param name="LagBytes">
/// The bytes of the log behind the acknowledged position, too many by at most a few hundred KiB.
/// </param>
/// <param name="Lag">The age of the oldest change behind the acknowledged position; null if there is none.</param>
/// <param name="LogBytes">The size of the log in bytes.</param>
/// <param name="CapturedRecords">The number of changes since the volume was opened (I30).</param>
/// <param name="Disks">The counters of each disk.</param>
public sealed record SourceCounters(
    CaptureMode Mode,
    ChangePosition Tail,
    ChangePosition Acknowledged,
    long LagBytes,
    TimeSpan? Lag,
    long LogBytes,
    long CapturedRecords,
    IReadOnlyList<SourceDiskCounters> Disks)
{
    /// <summary>The bytes of all dirty extents.</summary>
    public long DirtyBytes => Disks.Sum(d => d.DirtyBytes);
}

/// <summary>The progress of one disk.</summary>
/// <param name="SizeBytes">The size of the disk in bytes.</param>
/// <param name="ActiveBytes">The bytes of the extents that a power failure would make uncertain.</param>
/// <param name="DirtyBytes">The bytes of the extents to be compared or copied.</param>
/// <param name="LagBytes">The disk's share of the log behind the acknowledged position, in bytes.</param>
public readonly record struct SourceDiskCounters(long SizeBytes, long ActiveBytes, long DirtyBytes, long LagBytes);

using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Where replication of a volume stands, for status and health.</summary>
/// <param name="Mode">Whether the log carries the writes.</param>
/// <param name="Tail">The newest logged change.</param>
/// <param name="Acknowledged">What the replica holds durably.</param>
/// <param name="LagBytes">Bytes of the log behind that, too many by at most a few hundred KiB.</param>
/// <param name="Lag">How long the oldest of those changes has waited; null when there is none.</param>
/// <param name="LogBytes">Bytes the log takes.</param>
/// <param name="CapturedRecords">Changes numbered since the volume was opened (I30).</param>
/// <param name="Disks">Each disk.</param>
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
    /// <summary>Bytes of all dirty extents.</summary>
    public long DirtyBytes => Disks.Sum(d => d.DirtyBytes);
}

/// <summary>Where one disk stands.</summary>
/// <param name="SizeBytes">Its size.</param>
/// <param name="ActiveBytes">Bytes of the extents that a power cut would make uncertain.</param>
/// <param name="DirtyBytes">Bytes of the extents to be compared or copied.</param>
/// <param name="LagBytes">Its part of the log behind what the replica holds durably.</param>
public readonly record struct SourceDiskCounters(long SizeBytes, long ActiveBytes, long DirtyBytes, long LagBytes);

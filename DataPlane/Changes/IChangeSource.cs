using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Changes;

/// <summary>
/// A position in the order of changes: includes all earlier generations and, of this generation, all changes up to the
/// LSN.
/// </summary>
public readonly record struct ChangePosition(Generation Generation, Lsn Lsn) : IComparable<ChangePosition>
{
    /// <inheritdoc/>
    public int CompareTo(ChangePosition other) =>
        (Generation.Value, Lsn.Value).CompareTo((other.Generation.Value, other.Lsn.Value));
}

/// <summary>The path and size of one disk of a VM, known to both sides.</summary>
public sealed record DiskSpec(string Path, long SizeBytes);

/// <summary>
/// The sending end of replication: a VM's disks, their replication log, and the map of the changes that the log does
/// not hold. Implemented by the splitter's volume; used by one sending session at a time. Safe to call concurrently
/// with the guest's writes.
/// </summary>
/// <remarks>
/// Why fuzzy copies are safe (I4, I11). A block that is read after all changes up to position q were on the disk, and
/// that follows q directly in the stream, may already contain later changes, completely or in part. Those changes
/// follow in the stream and are applied again in order. So when the stream has reached the log's end as it was when the
/// last such block had been read, the replica equals the source. Until then no recovery point may be made.
/// </remarks>
public interface IChangeSource
{
    /// <summary>The disks of the VM.</summary>
    IReadOnlyList<DiskSpec> Disks { get; }

    /// <summary>The term of the writable primary under which this source writes.</summary>
    Term Term { get; }

    /// <summary>The position of the newest logged change.</summary>
    ChangePosition Tail { get; }

    /// <summary>The source's history, to announce when a session opens.</summary>
    SourceHistory History { get; }

    /// <summary>Returns the bytes of logged changes after a position (an estimate, for lag and progress).</summary>
    long BytesAfter(ChangePosition position);

    /// <summary>
    /// Attaches a replica at its position when a session starts. Returns the position after which <see cref="ReadLog"/>
    /// continues. If the log cannot continue from the replica's position (records deleted, generation unknown, or the
    /// replica is newer than the log or follows another history), marks the extents that may differ as dirty and starts
    /// a new generation.
    /// </summary>
    ChangePosition Attach(ReplicaPosition replica);

    /// <summary>
    /// Copies whole encoded records after <paramref name="after"/> into the buffer and advances the position; returns 0
    /// if there are none. Copies at least one record if there is one, whatever its size, so the buffer must hold
    /// <see cref="ChangeRecord.EncodedLength"/> of <see cref="ChangeRecord.MaxDataLength"/> bytes, or grow.
    /// </summary>
    /// <exception cref="ReplicationLogCorruptException">
    /// A record is damaged. The source has marked the extents that the record may have changed as dirty and started a
    /// new generation; attach again.
    /// </exception>
    int ReadLog(ref ChangePosition after, System.Buffers.ArrayBufferWriter<byte> target, int maxBytes);

    /// <summary>
    /// Returns a task that completes when there are changes after the position, or dirty extents while the resync is
    /// not held (<see cref="IsResyncHeld"/>). Throws when cancelled or when the source is closed.
    /// </summary>
    ValueTask WaitForWorkAsync(ChangePosition after, CancellationToken cancellationToken);

    /// <summary>Blocks until every change up to the LSN has finished on the source's disk (microseconds).</summary>
    void WaitForCompletion(Lsn lsn);

    /// <summary>
    /// Records that the replica durably holds everything up to a position: the log may delete it, and quiet extents may
    /// be cleared.
    /// </summary>
    void Acknowledge(ChangePosition durable);

    /// <summary>Reads from the source's disk, for resync and initial replication.</summary>
    void ReadDisk(int disk, long offset, Span<byte> destination);

    /// <summary>Returns the allocation of the source's disk; holes need not be read.</summary>
    Blocks.AllocatedRun NextRun(int disk, long offset, long length);

    /// <summary>
    /// Whether the resync is held: it can neither progress nor end. Either the source does not log at the moment
    /// (dirty-map mode), or this session has not yet read the <see cref="ChangeKind.GenerationStart"/> after which its
    /// dirty extents are copied.
    /// </summary>
    /// <remarks>
    /// A sender that finds no dirty extents reads <see cref="Tail"/> first, then checks that the resync is not held and
    /// that <see cref="DirtyExtents"/> is empty: only then is that tail the right end of the resync. A replica that
    /// reports resyncing while no extents are dirty and the resync is not held has missed the end of its resync; the
    /// sender ends it again. While the resync is held, clearing has no effect, and copies of extents returned before
    /// never clear them.
    /// </remarks>
    bool IsResyncHeld => false;

    /// <summary>
    /// Returns a snapshot of the extents to compare or copy, in order. Empty while the resync is held and the replica
    /// was not resyncing before, because copying into it then would make points of a partial copy (I12).
    /// </summary>
    IReadOnlyList<DirtyExtent> DirtyExtents();

    /// <summary>
    /// Clears an extent whose copy the replica durably holds (so the replica also holds all changes read from the log
    /// before the copy), unless the extent became dirty again after the given version.
    /// </summary>
    void ClearDirty(DirtyExtent extent);
}

/// <summary>An extent of a disk whose changes the log does not hold, or holds only in part.</summary>
/// <param name="Disk">The index of the disk.</param>
/// <param name="Offset">The offset of the first byte, a multiple of <see cref="Size"/>.</param>
/// <param name="Length">The length in bytes: <see cref="Size"/>, or less at the disk's end.</param>
/// <param name="Version">
/// A number that rises with each generation that marks the extent, so that a late clear does not hide a new mark.
/// Version 0 never clears.
/// </param>
public readonly record struct DirtyExtent(int Disk, long Offset, int Length, long Version)
{
    /// <summary>The size of an extent in bytes.</summary>
    public const int Size = 4 << 20;
}

/// <summary>A damaged record in the replication log.</summary>
public sealed class ReplicationLogCorruptException(string message) : IOException(message);

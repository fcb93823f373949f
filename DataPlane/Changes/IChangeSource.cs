using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Changes;

/// <summary>
/// A place in the order of changes: everything of earlier generations and, of this one, all up to the LSN.
/// </summary>
public readonly record struct ChangePosition(Generation Generation, Lsn Lsn) : IComparable<ChangePosition>
{
    /// <inheritdoc/>
    public int CompareTo(ChangePosition other) =>
        (Generation.Value, Lsn.Value).CompareTo((other.Generation.Value, other.Lsn.Value));
}

/// <summary>One disk of a VM, as both sides know it.</summary>
public sealed record DiskSpec(string Path, long SizeBytes);

/// <summary>
/// The sending end of replication: a VM's disks, their replication log and the map of what the log does not carry.
/// Implemented by the splitter's volume; used by one sending session at a time. Safe to call next to the guest's
/// writes.
/// </summary>
/// <remarks>
/// Why fuzzy copies are safe (I4, I11). A block that is read at any moment after all changes up to position q were on
/// the disk, and that stands in the stream right behind q, may already hold later changes, whole or in part; but those
/// follow in the stream and are applied again in order. So when the stream has reached the log's end as it was when the
/// last such block had been read, the replica equals the source. Until then no recovery point may be made.
/// </remarks>
public interface IChangeSource
{
    /// <summary>The disks.</summary>
    IReadOnlyList<DiskSpec> Disks { get; }

    /// <summary>The writable primary's term under which this source writes.</summary>
    Term Term { get; }

    /// <summary>The newest logged change.</summary>
    ChangePosition Tail { get; }

    /// <summary>What is said of the source's history when a session opens.</summary>
    SourceHistory History { get; }

    /// <summary>Bytes of logged changes after a position (an estimate, for lag and progress).</summary>
    long BytesAfter(ChangePosition position);

    /// <summary>
    /// Tells where the replica stands when a session begins. Decides whether the log can go on from there; when it
    /// cannot (records gone, unknown generation, a replica that is newer than the log or that follows another history),
    /// marks what may differ as dirty and starts a new generation. Returns the position after which
    /// <see cref="ReadLog"/> goes on.
    /// </summary>
    ChangePosition Attach(ReplicaPosition replica);

    /// <summary>
    /// Copies whole encoded records that follow <paramref name="after"/> into the buffer and advances it; 0 when there
    /// are none. At least one record when there is one, whatever its size, so the buffer holds at least
    /// <see cref="ChangeRecord.EncodedLength"/> of <see cref="ChangeRecord.MaxDataLength"/> bytes, or grows.
    /// </summary>
    /// <exception cref="ReplicationLogCorruptException">A record is damaged; the source has marked what it may have
    /// touched as dirty and started a new generation; attach again.</exception>
    int ReadLog(ref ChangePosition after, System.Buffers.ArrayBufferWriter<byte> target, int maxBytes);

    /// <summary>
    /// Completes when there are changes after the position, or dirty extents while the resync is not held
    /// (<see cref="IsResyncHeld"/>); throws when cancelled or when the source is closed.
    /// </summary>
    ValueTask WaitForWorkAsync(ChangePosition after, CancellationToken cancellationToken);

    /// <summary>Blocks until every change up to the LSN has finished on the source's disk (microseconds).</summary>
    void WaitForCompletion(Lsn lsn);

    /// <summary>
    /// The replica holds everything up to here durably: the log may drop it, and quiet extents may be cleared.
    /// </summary>
    void Acknowledge(ChangePosition durable);

    /// <summary>Reads the source's disk, for resync and initial replication.</summary>
    void ReadDisk(int disk, long offset, Span<byte> destination);

    /// <summary>The allocation of the source's disk (holes need not be read).</summary>
    Blocks.AllocatedRun NextRun(int disk, long offset, long length);

    /// <summary>
    /// Whether no resync may be worked on, nor ended, now: the source does not log at the moment (dirty-map mode), or
    /// this session has not yet read the <see cref="ChangeKind.GenerationStart"/> after which its dirty extents are to
    /// be copied.
    /// </summary>
    /// <remarks>
    /// A sender that finds nothing dirty and would end the resync reads <see cref="Tail"/> first, then checks that the
    /// resync is not held and <see cref="DirtyExtents"/> is empty: only then the tail it read is the right end. A
    /// replica that says it is resyncing while nothing is dirty and nothing is held missed the end of its resync; the
    /// sender ends it again. While held, clearing has no effect; extents that were handed out then are never cleared by
    /// their copies.
    /// </remarks>
    bool IsResyncHeld => false;

    /// <summary>
    /// The extents that must be compared or copied, in order: a snapshot. While the resync is held, empty when the
    /// replica was not resyncing before, since copying into it then would make points of half a copy (I12).
    /// </summary>
    IReadOnlyList<DirtyExtent> DirtyExtents();

    /// <summary>
    /// The replica holds this extent as it was copied, durably (so it also holds all that was read from the log before
    /// the copy): clears it, unless it became dirty again after the version that was given.
    /// </summary>
    void ClearDirty(DirtyExtent extent);
}

/// <summary>An extent of a disk that the log does not (wholly) carry.</summary>
/// <param name="Disk">The disk.</param>
/// <param name="Offset">The first byte, a multiple of <see cref="Size"/>.</param>
/// <param name="Length">At most <see cref="Size"/>; less at the disk's end.</param>
/// <param name="Version">Rises with each generation that marks, so that a late clear does not hide a new mark; 0 never
/// clears.</param>
public readonly record struct DirtyExtent(int Disk, long Offset, int Length, long Version)
{
    /// <summary>The bytes of an extent.</summary>
    public const int Size = 4 << 20;
}

/// <summary>A damaged record in the replication log.</summary>
public sealed class ReplicationLogCorruptException(string message) : IOException(message);

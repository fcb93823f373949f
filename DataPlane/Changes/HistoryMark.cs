namespace ReplicationEngine.DataPlane.Changes;

/// <summary>
/// A digest of the logged record at a position. A source that was restored from a snapshot assigns the same positions
/// to different changes; the mark distinguishes those changes. It covers the parts that every copy of the record has:
/// its position in the order, the instant at which it was accepted, and the range it changes. Zero means unknown.
/// </summary>
/// <remarks>
/// The mark is not a defence against forgery; the sealed stream is. With 64 bits, a chance match of two histories at
/// one position is as unlikely as the clock's resolution of 100 ns makes it already.
/// </remarks>
public readonly record struct HistoryMark(ulong Value)
{
    /// <summary>Whether the mark is known; false for zero.</summary>
    public bool IsKnown => Value != 0;

    /// <summary>Computes the mark of a logged record.</summary>
    public static HistoryMark Of(in ChangeHeader header)
    {
        var hash = 0x9E3779B97F4A7C15UL;
        hash = Mix(hash, header.Time.UtcTicks);
        hash = Mix(hash, header.Generation.Value);
        hash = Mix(hash, header.Lsn.Value);
        hash = Mix(hash, header.Offset);
        hash = Mix(hash, header.Length);
        hash = Mix(hash, header.CompletedLsn.Value);
        hash = Mix(hash, header.Disk);
        return new HistoryMark(hash == 0 ? 1 : hash);
    }

    /// <summary>Computes one round of the SplitMix64 finalizer.</summary>
    private static ulong Mix(ulong hash, long value)
    {
        unchecked
        {
            var mixed = (hash ^ (ulong)value) * 0xBF58476D1CE4E5B9UL;
            mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBUL;
            return mixed ^ (mixed >> 31);
        }
    }
}

/// <summary>A position together with the digest of the record there: the position in one history.</summary>
public readonly record struct MarkedPosition(ChangePosition Position, HistoryMark Mark);

/// <summary>A sender's history, announced when a session opens.</summary>
/// <param name="Incarnation">
/// The identifier of one opening of the sender's volume: random, and durable before the opening accepts a write. Empty
/// if there is none.
/// </param>
/// <param name="Floor">
/// The replica's durable position, as the sender durably knows it: every difference between the sender's disks and a
/// replica at this position lies in the sender's marked extents.
/// </param>
public readonly record struct SourceHistory(Guid Incarnation, MarkedPosition Floor);

/// <summary>A receiver's account of the history that it follows.</summary>
/// <param name="Mark">The digest of the record at the replica's durable position.</param>
/// <param name="Incarnation">The incarnation of the latest sender; empty before the first.</param>
/// <param name="ChangedSinceFloor">
/// The extents that the replica changed after the sender's floor; null if its history does not contain that floor, or
/// the changes are no longer known.
/// </param>
public sealed record ReplicaHistory(
    HistoryMark Mark, Guid Incarnation, IReadOnlyList<ExtentRange>? ChangedSinceFloor)
{
    /// <summary>The history of a replica that follows none.</summary>
    public static ReplicaHistory None { get; } = new(default, Guid.Empty, null);
}

/// <summary>A run of extents of one disk, both ends included (<see cref="DirtyExtent.Size"/> bytes each).</summary>
public readonly record struct ExtentRange(int Disk, int First, int Last);

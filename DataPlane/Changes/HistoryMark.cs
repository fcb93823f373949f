namespace ReplicationEngine.DataPlane.Changes;

/// <summary>
/// A digest of the logged record at a position. Positions are numbers, and a source that was put back to a snapshot
/// gives the same numbers to other changes; the mark tells those changes apart. It covers what every copy of the record
/// keeps: its place in the order, the instant at which it was accepted, and the range it changes. Zero means: not
/// known.
/// </summary>
/// <remarks>
/// Not a defence against forgery, which the sealed stream is; 64 bits make a chance match of two histories at one
/// position as unlikely as the clock's 100 ns make it already.
/// </remarks>
public readonly record struct HistoryMark(ulong Value)
{
    /// <summary>Whether there is a record to speak of.</summary>
    public bool IsKnown => Value != 0;

    /// <summary>The mark of a logged record.</summary>
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

    /// <summary>One round of the SplitMix64 finalizer.</summary>
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

/// <summary>
/// What a sender says of its history when a session opens.
/// </summary>
/// <param name="Incarnation">
/// Names one opening of the sender's volume: random, durable before the opening takes a write. Empty when there is
/// none.
/// </param>
/// <param name="Floor">
/// Where the replica durably stood, by the sender's durable knowledge: everything that the sender's disks may have more
/// than a replica that stood there lies in its marked extents.
/// </param>
public readonly record struct SourceHistory(Guid Incarnation, MarkedPosition Floor);

/// <summary>What a receiver says of the history it follows.</summary>
/// <param name="Mark">The digest of the record at its durable position.</param>
/// <param name="Incarnation">The incarnation of the sender that it last listened to; empty before the first.</param>
/// <param name="ChangedSinceFloor">
/// The extents it changed after the sender's floor; null when its history does not contain that floor, or it no longer
/// knows.
/// </param>
public sealed record ReplicaHistory(
    HistoryMark Mark, Guid Incarnation, IReadOnlyList<ExtentRange>? ChangedSinceFloor)
{
    /// <summary>Of a replica that follows no history.</summary>
    public static ReplicaHistory None { get; } = new(default, Guid.Empty, null);
}

/// <summary>A run of extents of one disk, both ends included (<see cref="DirtyExtent.Size"/> bytes each).</summary>
public readonly record struct ExtentRange(int Disk, int First, int Last);

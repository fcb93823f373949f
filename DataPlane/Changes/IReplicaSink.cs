using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Changes;

/// <summary>Where a replica stands.</summary>
/// <param name="Term">The term whose changes it accepts; a smaller one is refused (I15).</param>
/// <param name="Durable">Everything up to here survives a power cut.</param>
/// <param name="Resyncing">It does not equal any moment of the source; no point can be made until the resync ends
/// (I12).</param>
/// <param name="Empty">It holds nothing yet: all blocks are zero, so zero blocks need not be sent.</param>
public readonly record struct ReplicaPosition(Term Term, ChangePosition Durable, bool Resyncing, bool Empty)
{
    private readonly ReplicaHistory? _history;

    /// <summary>Which history the durable position belongs to.</summary>
    public ReplicaHistory History
    {
        get => _history ?? ReplicaHistory.None;
        init => _history = value;
    }
}

/// <summary>
/// The receiving end of replication. Implemented by the replica store (target side) and by the in-place replica (the
/// old source's disks during reverse replication). Used by one receiving session at a time; calls come one after
/// another, except
/// <see cref="CompareBlocks"/>, which may run next to <see cref="Apply"/> (see the remarks there).
/// </summary>
public interface IReplicaSink
{
    /// <summary>The bytes one block hash covers.</summary>
    public const int HashBlockSize = 64 << 10;

    /// <summary>Where the replica stands, with the mark of its durable position and the sender it last listened
    /// to.</summary>
    ReplicaPosition Position { get; }

    /// <summary>
    /// The extents changed after a sender's floor; null when this replica's history does not contain that floor, or it
    /// no longer knows what changed since. May name more extents than changed, never fewer.
    /// </summary>
    IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor) => null;

    /// <summary>A sender's changes are about to be applied: its incarnation is durably noted on return.</summary>
    void NameSource(Guid incarnation);

    /// <summary>
    /// Applies whole encoded records in stream order. Records at or below the applied LSN of their generation are
    /// skipped (I5). Checks all checksums. A <see cref="ChangeKind.GenerationStart"/> opens its generation and begins
    /// resyncing; a <see cref="ChangeKind.Marker"/> seals a recovery point, or is skipped (and recorded as skipped)
    /// while resyncing.
    /// </summary>
    /// <exception cref="ReplicaRefusedException">A gap in the order, a stale term, a disk that does not exist, a range
    /// outside it.</exception>
    /// <exception cref="ReplicaCorruptException">A record's checksum does not match.</exception>
    void Apply(ReadOnlyMemory<byte> records);

    /// <summary>
    /// Notes the SHA-256 of whole blocks just applied as <see cref="ChangeKind.ResyncData"/>, so that they need not be
    /// computed again. Hashes lie one after another, 32 bytes each.
    /// </summary>
    void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes);

    /// <summary>
    /// Compares the source's block hashes with the replica's as it stands now; sets <c>true</c> for those that differ.
    /// A late or early comparison is safe: changes between the reading and the comparison are in the stream, so a match
    /// stays a match, and a false difference only costs a copy.
    /// </summary>
    void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs);

    /// <summary>
    /// Reads the replica's own block hashes, so that a whole extent is compared by one root hash. False when the
    /// replica cannot tell them cheaply: then every block hash of the extent is compared by
    /// <see cref="CompareBlocks"/>.
    /// </summary>
    bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes) => false;

    /// <summary>The resync of this generation is complete once everything up to <paramref name="consistentFrom"/> is
    /// applied.</summary>
    void EndResync(ChangePosition consistentFrom);

    /// <summary>Makes everything applied durable and returns where that is.</summary>
    ChangePosition Sync();

    /// <summary>Grows a disk (RES-3); a smaller size is refused.</summary>
    void Resize(int disk, long sizeBytes);
}

/// <summary>Why a replica refuses.</summary>
public enum ReplicaRefusal
{
    /// <summary>The sender's term is smaller than the replica's: it was failed over (FOV-8).</summary>
    StaleTerm,

    /// <summary>A record is missing between the applied LSN and the one offered.</summary>
    Gap,

    /// <summary>The record names a disk or range that does not exist.</summary>
    OutOfRange,

    /// <summary>The store failed to sync or ran out of space and takes nothing more until it is opened again or space
    /// returns.</summary>
    Unavailable,

    /// <summary>It is resyncing and equals no moment of the source, so no point can be made (I12).</summary>
    Resyncing,

    /// <summary>The recovery point does not exist.</summary>
    UnknownPoint,

    /// <summary>The recovery point's stored bytes are damaged.</summary>
    PointUnusable,

    /// <summary>A recovery point (or a name) is held, being read, or under an overlay.</summary>
    PointInUse,

    /// <summary>The overlay does not exist.</summary>
    UnknownOverlay,
}

/// <summary>The replica refuses what was offered; nothing of it was applied.</summary>
public sealed class ReplicaRefusedException(ReplicaRefusal reason, string message) : IOException(message)
{
    /// <summary>Why.</summary>
    public ReplicaRefusal Reason { get; } = reason;
}

/// <summary>Stored or received bytes do not match their checksum: never wrong bytes, always this (I7).</summary>
public sealed class ReplicaCorruptException(string message) : IOException(message);

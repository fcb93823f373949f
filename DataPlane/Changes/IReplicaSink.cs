using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Changes;

/// <summary>The position and state of a replica.</summary>
/// <param name="Term">The term whose changes the replica accepts; a smaller one is refused (I15).</param>
/// <param name="Durable">The position up to which everything survives a power failure.</param>
/// <param name="Resyncing">
/// Whether the replica is resyncing: it equals no moment of the source, and no point can be made until the resync ends
/// (I12).
/// </param>
/// <param name="Empty">
/// Whether the replica is still empty: all blocks are zero, so zero blocks need not be sent.
/// </param>
public readonly record struct ReplicaPosition(Term Term, ChangePosition Durable, bool Resyncing, bool Empty)
{
    private readonly ReplicaHistory? _history;

    /// <summary>The history to which the durable position belongs.</summary>
    public ReplicaHistory History
    {
        get => _history ?? ReplicaHistory.None;
        init => _history = value;
    }
}

/// <summary>
/// The receiving end of replication. Implemented by the replica store (target side) and by the in-place replica (the
/// old source's disks during reverse replication). Used by one receiving session at a time. Calls are sequential,
/// except <see cref="CompareBlocks"/>, which may run concurrently with <see cref="Apply"/>.
/// </summary>
public interface IReplicaSink
{
    /// <summary>The number of bytes that one block hash covers.</summary>
    public const int HashBlockSize = 64 << 10;

    /// <summary>The replica's position, with the mark of its durable position and its latest sender.</summary>
    ReplicaPosition Position { get; }

    /// <summary>
    /// Returns the extents changed after a sender's floor; null if this replica's history does not contain that floor,
    /// or the changes since then are no longer known. May return more extents than changed, never fewer.
    /// </summary>
    IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor) => null;

    /// <summary>Durably records a sender's incarnation, before its first changes are applied.</summary>
    void NameSource(Guid incarnation);

    /// <summary>
    /// Applies whole encoded records in stream order. Records at or below the applied LSN of their generation are
    /// skipped (I5). Checks all checksums. A <see cref="ChangeKind.GenerationStart"/> opens its generation and starts
    /// resyncing; a <see cref="ChangeKind.Marker"/> seals a recovery point, or is skipped (and recorded as skipped)
    /// while resyncing.
    /// </summary>
    /// <exception cref="ReplicaRefusedException">
    /// The order has a gap, the term is stale, or a record names a disk or range that does not exist.
    /// </exception>
    /// <exception cref="ReplicaCorruptException">A record's checksum does not match.</exception>
    void Apply(ReadOnlyMemory<byte> records);

    /// <summary>
    /// Stores the SHA-256 hashes of whole blocks just applied as <see cref="ChangeKind.ResyncData"/>, so that they need
    /// not be computed again. The hashes are consecutive, 32 bytes each.
    /// </summary>
    void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes);

    /// <summary>
    /// Compares the source's block hashes with the replica's current ones and sets <c>true</c> for those that differ.
    /// An early or late comparison is safe: changes between the reading and the comparison are in the stream, so a
    /// match remains a match, and a false difference only costs a copy.
    /// </summary>
    void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs);

    /// <summary>
    /// Reads the replica's own block hashes, so that a whole extent can be compared by one root hash. Returns false if
    /// the replica has no cheap way to provide them; then <see cref="CompareBlocks"/> compares every block hash of the
    /// extent.
    /// </summary>
    bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes) => false;

    /// <summary>
    /// Ends the resync of this generation once everything up to <paramref name="consistentFrom"/> is applied.
    /// </summary>
    void EndResync(ChangePosition consistentFrom);

    /// <summary>Makes everything applied durable and returns the durable position.</summary>
    ChangePosition Sync();

    /// <summary>Grows a disk (RES-3). A smaller size is refused.</summary>
    void Resize(int disk, long sizeBytes);
}

/// <summary>The reason why a replica refuses an operation.</summary>
public enum ReplicaRefusal
{
    /// <summary>The sender's term is smaller than the replica's, because the VM was failed over (FOV-8).</summary>
    StaleTerm,

    /// <summary>A record is missing between the applied LSN and the one offered.</summary>
    Gap,

    /// <summary>The record names a disk or range that does not exist.</summary>
    OutOfRange,

    /// <summary>
    /// The store failed to sync or ran out of space. It accepts nothing until it is opened again or space is available.
    /// </summary>
    Unavailable,

    /// <summary>The replica is resyncing and equals no moment of the source, so no point can be made (I12).</summary>
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

/// <summary>The replica refuses an operation and has applied no part of it.</summary>
public sealed class ReplicaRefusedException(ReplicaRefusal reason, string message) : IOException(message)
{
    /// <summary>The reason for the refusal.</summary>
    public ReplicaRefusal Reason { get; } = reason;
}

/// <summary>
/// Stored or received bytes do not match their checksum. This exception is thrown instead of returning wrong bytes
/// (I7).
/// </summary>
public sealed class ReplicaCorruptException(string message) : IOException(message);

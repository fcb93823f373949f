using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas.Manifests;

/// <summary>The position at which a scan of the log starts, and the state of the stream there.</summary>
/// <param name="Segment">The number of the segment; 0 before the first.</param>
/// <param name="Offset">The offset of the first byte that is not yet in a persisted layer.</param>
/// <param name="Stream">The stream's state at that byte.</param>
internal sealed record Checkpoint(uint Segment, long Offset, StreamState Stream);

/// <summary>The state that results from the log's records up to a position, in addition to the content.</summary>
/// <param name="Applied">The position of the newest logged change.</param>
/// <param name="Resyncing">
/// Whether the content equals no moment of the source, because a resync is needed or has not ended (I12).
/// </param>
/// <param name="ConsistentFrom">The position at which the resync ends; null until the source has sent it.</param>
/// <param name="Empty">Whether every block is zero.</param>
/// <param name="Bytes">The bytes of changes applied over the store's life.</param>
/// <param name="EverConsistent">Whether a resync has ever ended; until then the base may be written directly.</param>
internal sealed record StreamState(
    ChangePosition Applied, bool Resyncing, ChangePosition? ConsistentFrom, bool Empty, long Bytes, bool EverConsistent)
{
    /// <summary>
    /// The mark of the record at <see cref="Applied"/>; unknown if the content did not come from a stream.
    /// </summary>
    public HistoryMark Mark { get; init; }

    /// <summary>The state before anything was received.</summary>
    public static StreamState Initial { get; } =
        new(new ChangePosition(new Generation(0), Lsn.None), Resyncing: true, null, Empty: true, 0, false);

    /// <summary>Ends the resync if its end position is reached.</summary>
    public StreamState Settle() =>
        Resyncing && ConsistentFrom is { } from && Applied.CompareTo(from) >= 0
            ? this with { Resyncing = false, ConsistentFrom = null, EverConsistent = true }
            : this;
}

/// <summary>A persisted layer.</summary>
/// <param name="From">The first layer number that the layer spans.</param>
/// <param name="To">The last layer number that the layer spans.</param>
/// <param name="File">The number of the layer's index file.</param>
/// <param name="Owner">The owner number of the log that created the file.</param>
/// <param name="Pages">The number of pages of extents.</param>
/// <param name="FooterCrc">The checksum of the file's footer, so that no other file can replace it unnoticed.</param>
internal sealed record LayerInfo(long From, long To, uint File, uint Owner, int Pages, uint FooterCrc);

/// <summary>An existing overlay.</summary>
internal sealed record OverlayInfo(string Name, uint Owner, RecoveryPointId Point);

/// <summary>A change of the store's state, as the manifest holds it. The type numbers are part of the format.</summary>
internal abstract record StoreRecord
{
    private StoreRecord()
    {
    }

    public sealed record Created(Guid Tag, string VmId, Term Term, IReadOnlyList<DiskSpec> Disks) : StoreRecord;

    public sealed record TermRaised(Term Term) : StoreRecord;

    public sealed record DiskResized(int Disk, long SizeBytes) : StoreRecord;

    /// <summary>The base may hold data from now on.</summary>
    public sealed record BaseTouched : StoreRecord;

    public sealed record LayerPersisted(LayerInfo Layer) : StoreRecord;

    public sealed record Checkpointed(Checkpoint Checkpoint) : StoreRecord;

    public sealed record PointSealed(RecoveryPoint Point, long Layer) : StoreRecord;

    public sealed record PointSkipped(SkippedMarker Marker) : StoreRecord;

    public sealed record PointGraded(RecoveryPointId Id, ReadOnlyMemory<byte> Digest) : StoreRecord;

    public sealed record PointUnusable(RecoveryPointId Id, string Why) : StoreRecord;

    public sealed record PointsPruned(IReadOnlyList<RecoveryPointId> Ids) : StoreRecord;

    /// <summary>The layer replaces the layers that it spans.</summary>
    public sealed record LayersMerged(LayerInfo Layer) : StoreRecord;

    /// <summary>The oldest layer is in the base now.</summary>
    public sealed record LayerFolded(long To) : StoreRecord;

    public sealed record Held(RecoveryPointId Id, string Reason) : StoreRecord;

    public sealed record Released(RecoveryPointId Id, string Reason) : StoreRecord;

    public sealed record OverlayCreated(OverlayInfo Overlay) : StoreRecord;

    public sealed record OverlayDeleted(string Name) : StoreRecord;

    /// <summary>The layers and points above the point's are dropped; the log continues from the checkpoint.</summary>
    public sealed record Rewound(RecoveryPointId Id, Checkpoint Checkpoint) : StoreRecord;

    /// <summary>The overlay's layers now lie over the layers of its point; the overlay no longer exists.</summary>
    public sealed record Adopted(string Name, IReadOnlyList<LayerInfo> Layers) : StoreRecord;

    /// <summary>
    /// Durable bytes at the end of the log are damaged; the store fell back to a position before them.
    /// </summary>
    public sealed record TailDamaged(ChangePosition FellBackTo, string Why) : StoreRecord;

    /// <summary>The incarnation of the sender from now on.</summary>
    public sealed record SourceNamed(Guid Incarnation) : StoreRecord;
}

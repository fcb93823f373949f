using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicaStore.Manifests;

/// <summary>Where a scan of the log begins, and the state of the stream there.</summary>
/// <param name="Segment">The segment; 0 before the first.</param>
/// <param name="Offset">The first byte that is not yet in a persisted layer.</param>
/// <param name="Stream">The stream's state at that byte.</param>
internal sealed record Checkpoint(uint Segment, long Offset, StreamState Stream);

/// <summary>What the records up to a place in the log add up to, next to the content.</summary>
/// <param name="Applied">The newest logged change.</param>
/// <param name="Resyncing">The content equals no moment of the source (I12).</param>
/// <param name="ConsistentFrom">The position at which the resync ends, when the source has said so.</param>
/// <param name="Empty">Every block is zero.</param>
/// <param name="Bytes">Bytes of changes applied over the store's life.</param>
/// <param name="EverConsistent">A resync has ended once; until then the base may be written directly.</param>
internal sealed record StreamState(
    ChangePosition Applied, bool Resyncing, ChangePosition? ConsistentFrom, bool Empty, long Bytes, bool EverConsistent)
{
    /// <summary>The mark of the record at <see cref="Applied"/>; unknown where content came by no stream.</summary>
    public HistoryMark Mark { get; init; }

    /// <summary>Before anything was received.</summary>
    public static StreamState Initial { get; } =
        new(new ChangePosition(new Generation(0), Lsn.None), Resyncing: true, null, Empty: true, 0, false);

    /// <summary>Ends the resync when the position it waits for is reached.</summary>
    public StreamState Settle() =>
        Resyncing && ConsistentFrom is { } from && Applied.CompareTo(from) >= 0
            ? this with { Resyncing = false, ConsistentFrom = null, EverConsistent = true }
            : this;
}

/// <summary>A persisted layer.</summary>
/// <param name="From">The first layer number it spans.</param>
/// <param name="To">The last layer number it spans.</param>
/// <param name="File">The number of its index file.</param>
/// <param name="Owner">The log that made the file.</param>
/// <param name="Pages">Its pages of extents.</param>
/// <param name="FooterCrc">The checksum of its footer, so that no other file can stand in for it.</param>
internal sealed record LayerInfo(long From, long To, uint File, uint Owner, int Pages, uint FooterCrc);

/// <summary>An overlay that exists.</summary>
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

    /// <summary>The layers that this one spans are replaced by it.</summary>
    public sealed record LayersMerged(LayerInfo Layer) : StoreRecord;

    /// <summary>The oldest layer is in the base now.</summary>
    public sealed record LayerFolded(long To) : StoreRecord;

    public sealed record Held(RecoveryPointId Id, string Reason) : StoreRecord;

    public sealed record Released(RecoveryPointId Id, string Reason) : StoreRecord;

    public sealed record OverlayCreated(OverlayInfo Overlay) : StoreRecord;

    public sealed record OverlayDeleted(string Name) : StoreRecord;

    /// <summary>All layers and points above the point's are dropped; the log goes on from the checkpoint.</summary>
    public sealed record Rewound(RecoveryPointId Id, Checkpoint Checkpoint) : StoreRecord;

    /// <summary>The overlay's layers stand over the layers of its point; the overlay itself is no more.</summary>
    public sealed record Adopted(string Name, IReadOnlyList<LayerInfo> Layers) : StoreRecord;

    /// <summary>Bytes that had been durable are damaged at the end of the log; the store fell back to before
    /// them.</summary>
    public sealed record TailDamaged(ChangePosition FellBackTo, string Why) : StoreRecord;

    /// <summary>The incarnation of the sender that is listened to from now on.</summary>
    public sealed record SourceNamed(Guid Incarnation) : StoreRecord;
}

using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Replicas.Manifests;

/// <summary>
/// The state that results from the manifest's records. Only <see cref="Fold"/> changes it, both in memory and on
/// reopening, so that both are the same by construction.
/// </summary>
internal sealed class StoreState
{
    /// <summary>The type byte of a snapshot; the other types are in <see cref="StoreRecordCodec"/>.</summary>
    public const byte SnapshotType = 255;

    public Guid Tag { get; private set; }

    public string VmId { get; private set; } = string.Empty;

    public Term Term { get; private set; }

    /// <summary>The incarnation of the latest sender; empty before the first.</summary>
    public Guid Source { get; private set; }

    public List<DiskSpec> Disks { get; } = [];

    public bool BaseTouched { get; private set; }

    /// <summary>Whether a point was ever sealed; until then the base may be written directly.</summary>
    public bool EverSealed { get; private set; }

    /// <summary>
    /// The epoch of the block hashes. It rises when layers are dropped; hashes of other epochs are ignored.
    /// </summary>
    public long HashEpoch { get; private set; }

    public Checkpoint Checkpoint { get; private set; } = new(0, 0, StreamState.Initial);

    /// <summary>The persisted layers, oldest first.</summary>
    public List<LayerInfo> Layers { get; } = [];

    /// <summary>The highest layer number ever used.</summary>
    public long LastLayer { get; private set; }

    /// <summary>The points in the order in which they were sealed, with the last layer each contains.</summary>
    public List<(RecoveryPoint Point, long Layer)> Points { get; } = [];

    public SortedDictionary<string, OverlayInfo> Overlays { get; } = new(StringComparer.Ordinal);

    public List<SkippedMarker> Skipped { get; } = [];

    /// <summary>The number of records folded so far; also the number of the next fact.</summary>
    public long Folded { get; private set; }

    /// <summary>The facts of the store, for a service that was disconnected.</summary>
    public FactLog Facts { get; } = new();

    /// <summary>Reads a state that <see cref="Write"/> wrote, after the type byte.</summary>
    public static StoreState Read(WireReader r)
    {
        var state = new StoreState();
        state.Fold(StoreRecordCodec.Read(r));
        state.Source = r.Id();
        (state.BaseTouched, state.EverSealed) = (r.Bool(), r.Bool());
        (state.HashEpoch, state.LastLayer) = (r.I64(), r.I64());
        state.Folded = r.I64();
        state.Checkpoint = StoreRecordCodec.Checkpoint(r);
        state.Layers.AddRange(r.Many(StoreRecordCodec.Layer));
        state.Points.AddRange(r.Many(x => (StoreRecordCodec.Point(x), x.I64())));
        foreach (var record in r.Many(StoreRecordCodec.Read).OfType<StoreRecord.OverlayCreated>())
        {
            state.Overlays.Add(record.Overlay.Name, record.Overlay);
        }

        state.Skipped.AddRange(r.Many(StoreRecordCodec.Read).OfType<StoreRecord.PointSkipped>().Select(s => s.Marker));
        state.Facts.Read(r);
        return state;
    }

    /// <summary>Writes the whole state as one payload: the first frame of a shortened manifest.</summary>
    public void Write(WireWriter w)
    {
        StoreRecordCodec.Write(w.U8(SnapshotType), new StoreRecord.Created(Tag, VmId, Term, Disks));
        w.Id(Source).Bool(BaseTouched).Bool(EverSealed).I64(HashEpoch).I64(LastLayer).I64(Folded);
        StoreRecordCodec.Write(w, Checkpoint)
            .Many(Layers, (x, l) => StoreRecordCodec.Layer(x, l))
            .Many(Points, (x, p) => StoreRecordCodec.Write(x, p.Point).I64(p.Layer))
            .Many(Overlays.Values, (x, o) => StoreRecordCodec.Write(x, new StoreRecord.OverlayCreated(o)))
            .Many(Skipped, (x, s) => StoreRecordCodec.Write(x, new StoreRecord.PointSkipped(s)));
        Facts.Write(w);
    }

    public int IndexOf(RecoveryPointId id) => Points.FindIndex(p => p.Point.Id == id);

    public void Fold(StoreRecord record)
    {
        Folded++;
        switch (record)
        {
            case StoreRecord.Created r:
                (Tag, VmId, Term) = (r.Tag, r.VmId, r.Term);
                Disks.AddRange(r.Disks);
                break;
            case StoreRecord.TermRaised r:
                Term = r.Term;
                break;
            case StoreRecord.SourceNamed r:
                Source = r.Incarnation;
                break;
            case StoreRecord.DiskResized r:
                Disks[r.Disk] = Disks[r.Disk] with { SizeBytes = r.SizeBytes };
                break;
            case StoreRecord.BaseTouched:
                BaseTouched = true;
                break;
            case StoreRecord.Checkpointed r:
                Checkpoint = r.Checkpoint;
                break;
            case StoreRecord.OverlayCreated r:
                Overlays.Add(r.Overlay.Name, r.Overlay);
                break;
            case StoreRecord.OverlayDeleted r:
                Overlays.Remove(r.Name);
                break;
            case StoreRecord.TailDamaged r:
                Facts.Add(Folded, new ReplicaFact.TailDamaged(r.FellBackTo, r.Why));
                break;
            default:
                FoldLayersAndPoints(record);
                break;
        }
    }

    private void FoldLayersAndPoints(StoreRecord record)
    {
        switch (record)
        {
            case StoreRecord.LayerPersisted r:
                Layers.Add(r.Layer);
                LastLayer = Math.Max(LastLayer, r.Layer.To);
                break;
            case StoreRecord.LayersMerged r:
                var at = Layers.FindIndex(l => l.From >= r.Layer.From);
                Layers.RemoveAll(l => l.From >= r.Layer.From && l.To <= r.Layer.To);
                Layers.Insert(at, r.Layer);
                break;
            case StoreRecord.LayerFolded r:
                Layers.RemoveAll(l => l.To <= r.To);
                break;
            case StoreRecord.Rewound r:
                var newest = IndexOf(r.Id);
                Layers.RemoveAll(l => l.From > Points[newest].Layer);
                Points.RemoveRange(newest + 1, Points.Count - newest - 1);
                Checkpoint = r.Checkpoint;
                HashEpoch++;
                break;
            case StoreRecord.Adopted r:
                Layers.AddRange(r.Layers);
                LastLayer = Math.Max(LastLayer, r.Layers.Count == 0 ? 0 : r.Layers[^1].To);
                Overlays.Remove(r.Name);
                break;
            default:
                FoldPoints(record);
                break;
        }
    }

    private void FoldPoints(StoreRecord record)
    {
        switch (record)
        {
            case StoreRecord.PointSealed r:
                Points.Add((r.Point, r.Layer));
                LastLayer = Math.Max(LastLayer, r.Layer);
                EverSealed = true;
                Facts.Add(Folded, new ReplicaFact.PointSealed(r.Point));
                break;
            case StoreRecord.PointSkipped r:
                Skipped.Add(r.Marker);
                Skipped.RemoveRange(0, Math.Max(0, Skipped.Count - 1024));
                Facts.Add(Folded, new ReplicaFact.PointSkipped(r.Marker));
                break;
            case StoreRecord.PointGraded r:
                Change(r.Id, p => p with { Grade = PointGrade.DigestMatched, Digest = r.Digest });
                Facts.Add(Folded, new ReplicaFact.PointGraded(r.Id, r.Digest));
                break;
            case StoreRecord.PointUnusable r:
                Change(r.Id, p => p with { UnusableBecause = r.Why });
                Facts.Add(Folded, new ReplicaFact.PointUnusable(r.Id, r.Why));
                break;
            case StoreRecord.PointsPruned r:
                Points.RemoveAll(p => r.Ids.Contains(p.Point.Id));
                Facts.Add(Folded, new ReplicaFact.PointsPruned(r.Ids));
                break;
            case StoreRecord.Held r:
                Change(r.Id, p => p with { Holds = [.. p.Holds.Where(h => h != r.Reason), r.Reason] });
                break;
            case StoreRecord.Released r:
                Change(r.Id, p => p with { Holds = [.. p.Holds.Where(h => h != r.Reason)] });
                break;
            default:
                throw new ReplicaCorruptException(
                    $"The manifest contains a record that cannot be applied: {record.GetType().Name}.");
        }
    }

    private void Change(RecoveryPointId id, Func<RecoveryPoint, RecoveryPoint> change)
    {
        var index = IndexOf(id);
        if (index < 0)
        {
            throw new ReplicaCorruptException($"The manifest refers to recovery point {id}, which does not exist.");
        }

        Points[index] = (change(Points[index].Point), Points[index].Layer);
    }
}

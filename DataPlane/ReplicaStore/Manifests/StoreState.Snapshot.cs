using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.ReplicaStore.Manifests;

/// <summary>The whole state as one payload, with which a shortened manifest begins.</summary>
internal sealed partial class StoreState
{
    /// <summary>The type byte of a snapshot; the other types are in <see cref="StoreRecordCodec"/>.</summary>
    public const byte SnapshotType = 255;

    public void Write(WireWriter w)
    {
        StoreRecordCodec.Write(w.U8(SnapshotType), new StoreRecord.Created(Tag, VmId, Term, Disks));
        w.Id(Source).Bool(BaseTouched).Bool(EverSealed).I64(HashEpoch).I64(LastLayer).I64(Folded);
        StoreRecordCodec.Write(w, Checkpoint)
            .Many(Layers, (x, l) => StoreRecordCodec.Layer(x, l))
            .Many(Points, (x, p) => StoreRecordCodec.Write(x, p.Point).I64(p.Layer))
            .Many(Overlays.Values, (x, o) => StoreRecordCodec.Write(x, new StoreRecord.OverlayCreated(o)))
            .Many(Skipped, (x, s) => StoreRecordCodec.Write(x, new StoreRecord.PointSkipped(s)))
            .Many(_facts, (x, f) => StoreRecordCodec.Write(x.I64(f.Key), RecordOf(f.Value)));
    }

    /// <summary>Reads what <see cref="Write"/> wrote, behind the type byte.</summary>
    public static StoreState Read(WireReader r)
    {
        var state = new StoreState();
        state.Fold(StoreRecordCodec.Read(r));
        state.Source = r.Id();
        (state.BaseTouched, state.EverSealed, state.HashEpoch, state.LastLayer) = (r.Bool(), r.Bool(), r.I64(),
            r.I64());
        state.Folded = r.I64();
        state.Checkpoint = StoreRecordCodec.Checkpoint(r);
        state.Layers.AddRange(r.Many(StoreRecordCodec.Layer));
        state.Points.AddRange(r.Many(x => (StoreRecordCodec.Point(x), x.I64())));
        foreach (var record in r.Many(StoreRecordCodec.Read).OfType<StoreRecord.OverlayCreated>())
        {
            state.Overlays.Add(record.Overlay.Name, record.Overlay);
        }

        state.Skipped.AddRange(r.Many(StoreRecordCodec.Read).OfType<StoreRecord.PointSkipped>().Select(s => s.Marker));
        foreach (var (number, record) in r.Many(x => (x.I64(), StoreRecordCodec.Read(x))))
        {
            state._facts.Add(number, FactOf(record));
            state.NewestFact = number;
        }

        return state;
    }

    private static StoreRecord RecordOf(ReplicaFact fact) => fact switch
    {
        ReplicaFact.PointSealed f => new StoreRecord.PointSealed(f.Point, 0),
        ReplicaFact.PointSkipped f => new StoreRecord.PointSkipped(f.Marker),
        ReplicaFact.PointUnusable f => new StoreRecord.PointUnusable(f.Id, f.Why),
        ReplicaFact.PointGraded f => new StoreRecord.PointGraded(f.Id, f.Digest),
        ReplicaFact.PointsPruned f => new StoreRecord.PointsPruned(f.Ids),
        ReplicaFact.TailDamaged f => new StoreRecord.TailDamaged(f.FellBackTo, f.Why),
        _ => throw new ArgumentOutOfRangeException(nameof(fact), fact, "Unknown fact."),
    };

    private static ReplicaFact FactOf(StoreRecord record) => record switch
    {
        StoreRecord.PointSealed r => new ReplicaFact.PointSealed(r.Point),
        StoreRecord.PointSkipped r => new ReplicaFact.PointSkipped(r.Marker),
        StoreRecord.PointUnusable r => new ReplicaFact.PointUnusable(r.Id, r.Why),
        StoreRecord.PointGraded r => new ReplicaFact.PointGraded(r.Id, r.Digest),
        StoreRecord.PointsPruned r => new ReplicaFact.PointsPruned(r.Ids),
        StoreRecord.TailDamaged r => new ReplicaFact.TailDamaged(r.FellBackTo, r.Why),
        _ => throw new ReplicaCorruptException(
            $"The manifest's snapshot holds a {record.GetType().Name} among its facts."),
    };
}

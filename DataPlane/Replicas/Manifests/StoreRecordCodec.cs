using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Replicas.Manifests;

/// <summary>
/// Encodes and decodes manifest records: a type byte, then the fields in the order of the record's declaration.
/// </summary>
internal static class StoreRecordCodec
{
    public static void Write(WireWriter w, StoreRecord record)
    {
        _ = record switch
        {
            StoreRecord.Created r => w.U8(1).Id(r.Tag).Text(r.VmId).I64(r.Term.Value)
                .Many(r.Disks, (x, d) => x.Text(d.Path).I64(d.SizeBytes)),
            StoreRecord.TermRaised r => w.U8(2).I64(r.Term.Value),
            StoreRecord.DiskResized r => w.U8(3).U32((uint)r.Disk).I64(r.SizeBytes),
            StoreRecord.BaseTouched => w.U8(4),
            StoreRecord.LayerPersisted r => Layer(w.U8(5), r.Layer),
            StoreRecord.Checkpointed r => Write(w.U8(6), r.Checkpoint),
            StoreRecord.PointSealed r => Write(w.U8(7), r.Point).I64(r.Layer),
            StoreRecord.PointSkipped r => Write(w.U8(8), r.Marker),
            StoreRecord.PointGraded r => w.U8(9).Id(r.Id.Value).Bytes(r.Digest.Span),
            StoreRecord.PointUnusable r => w.U8(10).Id(r.Id.Value).Text(r.Why),
            StoreRecord.PointsPruned r => w.U8(11).Many(r.Ids, (x, i) => x.Id(i.Value)),
            StoreRecord.LayersMerged r => Layer(w.U8(12), r.Layer),
            StoreRecord.LayerFolded r => w.U8(13).I64(r.To),
            StoreRecord.Held r => w.U8(14).Id(r.Id.Value).Text(r.Reason),
            StoreRecord.Released r => w.U8(15).Id(r.Id.Value).Text(r.Reason),
            StoreRecord.OverlayCreated r =>
                w.U8(16).Text(r.Overlay.Name).U32(r.Overlay.Owner).Id(r.Overlay.Point.Value),
            StoreRecord.OverlayDeleted r => w.U8(17).Text(r.Name),
            StoreRecord.Rewound r => Write(w.U8(18).Id(r.Id.Value), r.Checkpoint),
            StoreRecord.Adopted r => w.U8(19).Text(r.Name).Many(r.Layers, (x, l) => Layer(x, l)),
            StoreRecord.TailDamaged r => Write(w.U8(20), r.FellBackTo).Text(r.Why),
            StoreRecord.SourceNamed r => w.U8(21).Id(r.Incarnation),
            _ => throw new ArgumentOutOfRangeException(nameof(record), record, "Unknown manifest record."),
        };
    }

    public static StoreRecord Read(WireReader r)
    {
        var type = r.U8();
        return type switch
        {
            1 => new StoreRecord.Created(r.Id(), r.Text(), new Term(r.I64()),
                r.Many(x => new DiskSpec(x.Text(), x.I64()))),
            2 => new StoreRecord.TermRaised(new Term(r.I64())),
            3 => new StoreRecord.DiskResized((int)r.U32(), r.I64()),
            4 => new StoreRecord.BaseTouched(),
            5 => new StoreRecord.LayerPersisted(Layer(r)),
            6 => new StoreRecord.Checkpointed(Checkpoint(r)),
            7 => new StoreRecord.PointSealed(Point(r), r.I64()),
            8 => new StoreRecord.PointSkipped(Skipped(r)),
            9 => new StoreRecord.PointGraded(PointId(r), r.Bytes()),
            10 => new StoreRecord.PointUnusable(PointId(r), r.Text()),
            11 => new StoreRecord.PointsPruned(r.Many(PointId)),
            12 => new StoreRecord.LayersMerged(Layer(r)),
            13 => new StoreRecord.LayerFolded(r.I64()),
            14 => new StoreRecord.Held(PointId(r), r.Text()),
            15 => new StoreRecord.Released(PointId(r), r.Text()),
            16 => new StoreRecord.OverlayCreated(new OverlayInfo(r.Text(), r.U32(), PointId(r))),
            17 => new StoreRecord.OverlayDeleted(r.Text()),
            18 => new StoreRecord.Rewound(PointId(r), Checkpoint(r)),
            19 => new StoreRecord.Adopted(r.Text(), r.Many(Layer)),
            20 => new StoreRecord.TailDamaged(Position(r), r.Text()),
            21 => new StoreRecord.SourceNamed(r.Id()),
            _ => throw new ReplicaCorruptException($"The manifest contains a record of the unknown type {type}."),
        };
    }

    internal static WireWriter Write(WireWriter w, RecoveryPoint p) => Write(
            w.Id(p.Id.Value).I64(p.Time.UtcTicks).U8((byte)p.Kind), p.Cut)
        .Many(p.DiskSizes, (x, s) => x.I64(s)).U8((byte)p.Grade).Bytes(p.Digest.Span)
        .Bool(p.UnusableBecause is not null).Text(p.UnusableBecause ?? string.Empty)
        .Many(p.Holds, (x, h) => x.Text(h));

    internal static RecoveryPoint Point(WireReader r)
    {
        var point = new RecoveryPoint
        {
            Id = PointId(r),
            Time = Time(r),
            Kind = (PointKind)r.U8(),
            Cut = Position(r),
            DiskSizes = r.Many(x => x.I64()),
            Grade = (PointGrade)r.U8(),
            Digest = r.Bytes(),
        };
        var unusable = r.Bool();
        var why = r.Text();
        return point with { UnusableBecause = unusable ? why : null, Holds = r.Many(x => x.Text()) };
    }

    internal static WireWriter Write(WireWriter w, Checkpoint c)
    {
        var stream = c.Stream;
        Write(w.U32(c.Segment).I64(c.Offset),
            stream.Applied).Bool(stream.Resyncing).Bool(stream.ConsistentFrom is not null);
        return Write(w, stream.ConsistentFrom
            ?? default).Bool(stream.Empty).I64(stream.Bytes).Bool(stream.EverConsistent)
            .I64(unchecked((long)stream.Mark.Value));
    }

    internal static Checkpoint Checkpoint(WireReader r)
    {
        var (segment, offset, applied, resyncing, known) = (r.U32(), r.I64(), Position(r), r.Bool(), r.Bool());
        var from = Position(r);
        return new Checkpoint(segment, offset, new StreamState(
            applied, resyncing, known ? from : null, r.Bool(), r.I64(), r.Bool())
        {
            Mark = new HistoryMark(unchecked((ulong)r.I64())),
        });
    }

    internal static WireWriter Layer(WireWriter w, LayerInfo l) =>
        w.I64(l.From).I64(l.To).U32(l.File).U32(l.Owner).U32((uint)l.Pages).U32(l.FooterCrc);

    internal static LayerInfo Layer(WireReader r) => new(r.I64(), r.I64(), r.U32(), r.U32(), (int)r.U32(), r.U32());

    internal static RecoveryPointId PointId(WireReader r) => new(r.Id());

    private static WireWriter Write(WireWriter w, ChangePosition p) => w.I64(p.Generation.Value).I64(p.Lsn.Value);

    private static WireWriter Write(WireWriter w, SkippedMarker m) =>
        Write(w.Id(m.Id.Value).I64(m.Time.UtcTicks), m.At).Text(m.Why);

    private static SkippedMarker Skipped(WireReader r) => new(PointId(r), Time(r), Position(r), r.Text());

    private static ChangePosition Position(WireReader r) => new(new Generation(r.I64()), new Lsn(r.I64()));

    private static DateTimeOffset Time(WireReader r)
    {
        var ticks = r.I64();
        return ticks >= 0 && ticks <= DateTimeOffset.MaxValue.UtcTicks ? new DateTimeOffset(ticks, TimeSpan.Zero)
            : throw new ReplicaCorruptException($"The manifest contains the impossible time {ticks}.");
    }
}

using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Replicas.Manifests;

/// <summary>The newest facts of a store, each with its number, for a service that was disconnected.</summary>
/// <remarks>Part of <see cref="StoreState"/>, whose lock guards the log.</remarks>
internal sealed class FactLog
{
    /// <summary>The maximum number of facts kept.</summary>
    public const int Kept = 8192;

    private readonly SortedDictionary<long, ReplicaFact> _facts = [];

    /// <summary>The number of the newest fact; 0 before the first.</summary>
    public long Newest { get; private set; }

    /// <summary>Returns the facts with numbers above the given one, in order.</summary>
    public IEnumerable<NumberedFact> After(long number) => number >= Newest ? []
        : _facts.Where(f => f.Key > number).Select(f => new NumberedFact(f.Key, f.Value));

    /// <summary>
    /// Adds a fact, whose number must be above all others; the oldest fact is dropped if there are too many.
    /// </summary>
    public void Add(long number, ReplicaFact fact)
    {
        _facts.Add(number, fact);
        Newest = number;
        while (_facts.Count > Kept)
        {
            _facts.Remove(_facts.First().Key);
        }
    }

    public void Write(WireWriter w) =>
        w.Many(_facts, (x, f) => StoreRecordCodec.Write(x.I64(f.Key), RecordOf(f.Value)));

    /// <summary>Adds the facts that <see cref="Write"/> wrote.</summary>
    public void Read(WireReader r)
    {
        foreach (var (number, record) in r.Many(x => (x.I64(), StoreRecordCodec.Read(x))))
        {
            Add(number, FactOf(record));
        }
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
            $"The manifest's snapshot contains a {record.GetType().Name} among its facts."),
    };
}

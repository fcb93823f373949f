using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>A marker in the log, which becomes a recovery point when it arrives at the replica.</summary>
internal readonly record struct Marker(RecoveryPointId Id, PointKind Kind, Knot Cut, long Generation);

/// <summary>A recovery point that the replica holds.</summary>
/// <param name="Point">The recovery point as the engine knows it.</param>
/// <param name="Written">The number of bytes that were written up to the point.</param>
/// <param name="Spread">The distribution of the writes since the previous point.</param>
internal readonly record struct HeldPoint(RecoveryPoint Point, double Written, WriteSpread Spread);

/// <summary>
/// Keeps the recovery points of a replica: a base as of the oldest point, and between two neighbouring points the
/// newest bytes of each place that was written.
/// </summary>
internal sealed class PointLedger
{
    private readonly List<HeldPoint> _points = [];
    private long _lastLsn;
    private PointsObservation? _observation;

    /// <summary>The recovery points, oldest first.</summary>
    public IReadOnlyList<HeldPoint> Points => _points;

    /// <summary>The recovery points as the engine observes them; the same object until they change.</summary>
    public PointsObservation Observation => _observation ??= new PointsObservation(
        _points.ConvertAll(held => (held.Point, (string?)null)), []);

    /// <summary>Seals a recovery point and returns it. A point that is known already is returned unchanged.</summary>
    public HeldPoint Seal(Marker marker, DateTimeOffset start, WriteSpread spread)
    {
        var known = _points.FindIndex(held => held.Point.Id == marker.Id);
        if (known >= 0)
        {
            return _points[known];
        }

        // Writes and markers share one sequence of numbers, so two cuts never have the same number.
        _lastLsn = Math.Max(_lastLsn + 1, (long)(marker.Cut.Logged / spread.WriteSize));
        var point = new RecoveryPoint(
            marker.Id, start + marker.Cut.Time, marker.Kind, new Generation(marker.Generation), new Lsn(_lastLsn),
            PointGrade.Received);
        var held = new HeldPoint(point, marker.Cut.Written, spread);
        _points.Add(held);
        _observation = null;
        return held;
    }

    /// <summary>Returns a recovery point; null when the replica does not hold it.</summary>
    public HeldPoint? Find(RecoveryPointId id)
    {
        var index = _points.FindIndex(held => held.Point.Id == id);
        return index < 0 ? null : _points[index];
    }

    /// <summary>
    /// Removes recovery points. The data that only a removed point held passes to the next younger point.
    /// </summary>
    public void Drop(Predicate<RecoveryPointId> which)
    {
        for (var i = _points.Count - 1; i >= 0; i--)
        {
            if (!which(_points[i].Point.Id))
            {
                continue;
            }

            if (i + 1 < _points.Count)
            {
                var next = _points[i + 1];
                var wider = next.Spread.WorkingSet >= _points[i].Spread.WorkingSet ? next.Spread : _points[i].Spread;
                _points[i + 1] = next with { Spread = wider };
            }

            _points.RemoveAt(i);
            _observation = null;
        }
    }

    /// <summary>Returns the number of bytes that the recovery points take in addition to the base.</summary>
    public double RedoBytes(double writtenNow, WriteSpread spread)
    {
        var bytes = 0.0;
        for (var i = 1; i < _points.Count; i++)
        {
            bytes += _points[i].Spread.DistinctOf(_points[i].Written - _points[i - 1].Written);
        }

        return _points.Count == 0 ? 0 : bytes + spread.DistinctOf(writtenNow - _points[^1].Written);
    }
}

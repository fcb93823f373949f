using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Replicas.Points;

/// <summary>The recovery points of a store: their list, usability, users and pruning.</summary>
/// <remarks>The store's session lock guards the ledger. Locks taken after that: the log's gate.</remarks>
internal sealed class PointLedger(LayerStack content, DamageLedger damage, WriteGuard guard)
{
    private readonly Dictionary<RecoveryPointId, int> _readers = [];
    private (long Folded, int Unrecorded) _listedAt = (-1, 0);
    private RecoveryPoint[] _points = [];
    private SkippedMarker[] _skipped = [];

    /// <summary>The points, oldest first; the same list instance until a point changes.</summary>
    public IReadOnlyList<RecoveryPoint> Points
    {
        get
        {
            Relist();
            return _points;
        }
    }

    /// <summary>
    /// The markers that made no point; the same list instance as long as that of <see cref="Points"/>.
    /// </summary>
    public IReadOnlyList<SkippedMarker> Skipped
    {
        get
        {
            Relist();
            return _skipped;
        }
    }

    private StoreState State => content.State;

    /// <summary>The number of the newest durable fact; 0 before the first.</summary>
    public long NewestFact
    {
        get
        {
            damage.Settle();
            return State.Facts.Newest;
        }
    }

    /// <summary>Returns the durable facts with numbers above the given one, in order.</summary>
    public IReadOnlyList<NumberedFact> FactsAfter(long number)
    {
        damage.Settle();
        return [.. State.Facts.After(number)];
    }

    /// <summary>Returns a point, usable or not, and the last layer it contains.</summary>
    /// <exception cref="ReplicaRefusedException">The point does not exist.</exception>
    public (RecoveryPoint Point, long Layer) Find(RecoveryPointId id)
    {
        var index = State.IndexOf(id);
        return index >= 0
            ? (damage.AsKnown(State.Points[index].Point), State.Points[index].Layer)
            : throw new ReplicaRefusedException(
                ReplicaRefusal.UnknownPoint,
                $"Recovery point {id} does not exist: '{State.VmId}' has {State.Points.Count} points.");
    }

    /// <summary>Returns a point whose content will be used, and the last layer it contains.</summary>
    /// <exception cref="ReplicaRefusedException">The point does not exist or must not be used.</exception>
    public (RecoveryPoint Point, long Layer) Usable(RecoveryPointId id)
    {
        damage.Settle();
        var found = Find(id);
        return found.Point.UnusableBecause is not { } why ? found : throw new ReplicaRefusedException(
            ReplicaRefusal.PointUnusable, $"Recovery point {id} must not be used: {why} Choose another point.");
    }

    /// <summary>
    /// Opens a usable point for reading; <paramref name="release"/> must call <see cref="EndReading"/>.
    /// </summary>
    public RecoveryPointExport Export(RecoveryPointId id, Action release)
    {
        var (point, layer) = Usable(id);
        var view = content.ViewAt(layer);
        var disks = point.DiskSizes.Select((size, disk) =>
            (IBlockDevice)new PointDevice(view, disk, size, e => damage.Report(id, e))).ToList();
        BeginReading(id);
        return new RecoveryPointExport(point, disks, release);
    }

    /// <summary>
    /// Keeps a point from being pruned until <see cref="EndReading"/> was called the same number of times.
    /// </summary>
    public void BeginReading(RecoveryPointId id) => _readers[id] = _readers.GetValueOrDefault(id) + 1;

    public void EndReading(RecoveryPointId id)
    {
        if (--_readers[id] == 0)
        {
            _readers.Remove(id);
        }
    }

    /// <summary>Holds a point for a reason, durably.</summary>
    public void Hold(RecoveryPointId id, string reason)
    {
        if (!Find(id).Point.Holds.Contains(reason, StringComparer.Ordinal))
        {
            guard.Commit(new StoreRecord.Held(id, reason));
        }
    }

    /// <summary>Ends a hold, durably.</summary>
    public void Release(RecoveryPointId id, string reason)
    {
        if (Find(id).Point.Holds.Contains(reason, StringComparer.Ordinal))
        {
            guard.Commit(new StoreRecord.Released(id, reason));
        }
    }

    /// <summary>Drops points that are not in use, durably; the last usable point is kept.</summary>
    public PruneResult Prune(IReadOnlyCollection<RecoveryPointId> ids)
    {
        damage.Settle();
        var kept = new List<(RecoveryPointId, string)>();
        var pruned = new List<RecoveryPointId>();
        var usable = State.Points.Count(p => p.Point.Usable);
        foreach (var id in ids.Distinct().Where(i => State.IndexOf(i) >= 0))
        {
            var point = Find(id).Point;
            var why = UseOf(point) ?? (point.Usable && usable == 1 ? "it is the last usable point" : null);
            if (why is not null)
            {
                kept.Add((id, why));
                continue;
            }

            usable -= point.Usable ? 1 : 0;
            pruned.Add(id);
        }

        if (pruned.Count > 0)
        {
            guard.Commit(new StoreRecord.PointsPruned(pruned));
        }

        return new PruneResult(pruned, kept);
    }

    /// <exception cref="ReplicaRefusedException">A point newer than the one given is held or in use.</exception>
    public void RefuseIfNewerInUse(RecoveryPointId id)
    {
        foreach (var (point, _) in State.Points.Skip(State.IndexOf(id) + 1))
        {
            if (UseOf(point) is { } why)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.PointInUse, $"Recovery point {point.Id} cannot be deleted: {why}. End that first.");
            }
        }
    }

    /// <summary>
    /// Records the result of a point's verification: damage, a differing block or a wrong digest makes it unusable,
    /// sound content grades it.
    /// </summary>
    public void RecordVerification(RecoveryPoint point, VerifyReport report, Scrub scrub)
    {
        foreach (var found in scrub.Damage)
        {
            damage.Report(point.Id, found);
        }

        if (report.Damaged.Count == 0 && !report.IsSound)
        {
            damage.MarkUnusable(point.Id, $"{report.Differing.Count} blocks differ from those that were sealed.");
        }

        damage.Settle();
        if (report.IsSound && point.Grade == PointGrade.Received && State.IndexOf(point.Id) >= 0)
        {
            guard.Commit(new StoreRecord.PointGraded(point.Id, scrub.Digest));
        }
    }

    /// <summary>Returns the use of a point; null if it is not in use.</summary>
    private string? UseOf(RecoveryPoint point)
    {
        if (point.Holds.Count > 0)
        {
            return $"it is held: {string.Join(", ", point.Holds)}";
        }

        if (State.Overlays.Values.FirstOrDefault(o => o.Point == point.Id) is { } overlay)
        {
            return $"overlay '{overlay.Name}' is based on it";
        }

        return _readers.ContainsKey(point.Id) ? "it is being read" : null;
    }

    private void Relist()
    {
        damage.Settle();
        if (_listedAt != (State.Folded, damage.Unrecorded))
        {
            _points = [.. State.Points.Select(p => damage.AsKnown(p.Point))];
            _skipped = [.. State.Skipped];
            _listedAt = (State.Folded, damage.Unrecorded);
        }
    }
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.Extents;
using ReplicationEngine.DataPlane.ReplicaStore.Manifests;
using ReplicationEngine.DataPlane.ReplicaStore.Views;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>What <see cref="ReplicaStore.Prune"/> did.</summary>
/// <param name="Pruned">The points that are gone.</param>
/// <param name="Kept">The points that stay, each with the reason.</param>
public sealed record PruneResult(
    IReadOnlyList<RecoveryPointId> Pruned, IReadOnlyList<(RecoveryPointId Id, string Why)> Kept);

/// <summary>The disks of a recovery point, read-only. The point cannot be pruned until this is disposed.</summary>
public sealed class RecoveryPointExport : IDisposable
{
    private Action? _release;

    internal RecoveryPointExport(RecoveryPoint point, IReadOnlyList<IBlockDevice> disks, Action release) =>
        (Point, Disks, _release) = (point, disks, release);

    /// <summary>The point.</summary>
    public RecoveryPoint Point { get; }

    /// <summary>One device per disk, in the VM's order; writing is refused.</summary>
    public IReadOnlyList<IBlockDevice> Disks { get; }

    /// <summary>Lets the point go.</summary>
    public void Dispose() => Interlocked.Exchange(ref _release, null)?.Invoke();
}

/// <summary>Recovery points.</summary>
public sealed partial class ReplicaStore
{
    private readonly Dictionary<RecoveryPointId, string> _unrecorded = [];
    private (long Folded, int Unrecorded) _listedAt = (-1, 0);
    private RecoveryPoint[] _points = [];
    private SkippedMarker[] _skipped = [];

    /// <summary>The recovery points, oldest first. Each is durable; its content never changes until it is pruned
    /// (I6). The same list is answered until something of it has changed.</summary>
    public IReadOnlyList<RecoveryPoint> Points
    {
        get
        {
            lock (_session)
            {
                Relist();
                return _points;
            }
        }
    }

    /// <summary>The markers that made no point, oldest first; the last 1,024. The same list as long as
    /// <see cref="Points"/> is.</summary>
    public IReadOnlyList<SkippedMarker> SkippedMarkers
    {
        get
        {
            lock (_session)
            {
                Relist();
                return _skipped;
            }
        }
    }

    /// <summary>The durable facts with numbers above the given one (0: all that are kept, the last 8,192), in
    /// order.</summary>
    public IReadOnlyList<NumberedFact> FactsAfter(long number)
    {
        lock (_session)
        {
            NoteDamage();
            return [.. State.FactsAfter(number)];
        }
    }

    /// <summary>Seals a point at the applied position, durably ("latest" for a failover). The same id twice is one
    /// point.</summary>
    /// <exception cref="ReplicaRefusedException">The replica is resyncing, or cannot write.</exception>
    public RecoveryPoint SealNow(RecoveryPointId id, DateTimeOffset time, PointKind consistency)
    {
        lock (_session)
        {
            EnsureWritable();
            if (_log.Stream.Resyncing && State.IndexOf(id) < 0)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.Resyncing,
                    $"The replica of '{Vm}' is resyncing and equals no moment of the source: choose one of its "
                        + $"{State.Points.Count} older points.");
            }

            var data = new byte[PointMarker.Size];
            new PointMarker(id, consistency).Write(data);
            Durably(() =>
            {
                if (State.IndexOf(id) < 0)
                {
                    Carry([Own(LocalMarker, time, data)]);
                }

                SyncAll();
            });
            return State.Points[State.IndexOf(id)].Point;
        }
    }

    // A point holds all that the one before it holds, so it is complete as of that one's time too, whichever of two
    // that were asked for at the same time came first. What lies ahead was told by a clock that was set since.
    private DateTimeOffset CompleteAsOf(DateTimeOffset told)
    {
        var before = _log.Pending.OfType<StoreRecord.PointSealed>().LastOrDefault()?.Point
            ?? State.Points.LastOrDefault().Point;
        return before is not null && before.Time > told && before.Time <= _options.Time.GetUtcNow()
            ? before.Time : told;
    }

    /// <summary>Opens a point for reading, at once whatever its size (FOV, RTO).</summary>
    /// <exception cref="ReplicaRefusedException">The point does not exist or is unusable.</exception>
    public RecoveryPointExport OpenPoint(RecoveryPointId id)
    {
        lock (_session)
        {
            var (point, layer) = Usable(id);
            var reader = ReaderOf(layer);
            var disks = point.DiskSizes.Select((size, disk) =>
                (IBlockDevice)new PointDevice(reader, disk, size, e => _damage.Enqueue((id, e)))).ToList();
            Pin(id);
            return new RecoveryPointExport(point, disks, () => Unpin(id));
        }
    }

    /// <summary>Keeps a point from being pruned for a reason, durably; the same reason twice is one hold.</summary>
    public void Hold(RecoveryPointId id, string reason)
    {
        lock (_session)
        {
            EnsureWritable();
            if (!Find(id).Point.Holds.Contains(reason, StringComparer.Ordinal))
            {
                Durably(() => _log.Record(new StoreRecord.Held(id, reason)));
            }
        }
    }

    /// <summary>Ends a hold, durably; nothing happens when there is none of this reason.</summary>
    public void Release(RecoveryPointId id, string reason)
    {
        lock (_session)
        {
            EnsureWritable();
            if (Find(id).Point.Holds.Contains(reason, StringComparer.Ordinal))
            {
                Durably(() => _log.Record(new StoreRecord.Released(id, reason)));
            }
        }
    }

    /// <summary>
    /// Drops points, durably; <see cref="Maintain"/> gives their space back. Points that are held, exported, under an
    /// overlay, or the last usable one stay (I25). Ids that do not exist are passed over.
    /// </summary>
    public PruneResult Prune(IReadOnlyCollection<RecoveryPointId> ids)
    {
        lock (_session)
        {
            EnsureWritable();
            NoteDamage();
            var kept = new List<(RecoveryPointId, string)>();
            var pruned = new List<RecoveryPointId>();
            var usable = State.Points.Count(p => p.Point.Usable);
            foreach (var id in ids.Distinct().Where(i => State.IndexOf(i) >= 0))
            {
                var why = InUse(id) ?? (Find(id).Point.Usable && usable == 1 ? "it is the last usable point" : null);
                if (why is not null)
                {
                    kept.Add((id, why));
                    continue;
                }

                usable -= Find(id).Point.Usable ? 1 : 0;
                pruned.Add(id);
            }

            if (pruned.Count > 0)
            {
                Durably(() => _log.Record(new StoreRecord.PointsPruned(pruned)));
            }

            return new PruneResult(pruned, kept);
        }
    }

    /// <summary>
    /// Makes a point the newest content, durably: everything newer is dropped (commit after a failover, FOV-4). The
    /// replica then stands at the point's cut.
    /// </summary>
    /// <exception cref="ReplicaRefusedException">The point is unusable, or a newer one is held or in use.</exception>
    public void Rewind(RecoveryPointId id)
    {
        lock (_session)
        {
            EnsureWritable();
            var (point, layer) = Usable(id);
            RefuseIfNewerInUse(id);
            EndJobs();
            Durably(() =>
            {
                var stream = new StreamState(point.Cut, Resyncing: false, null, Empty: false, _log.Stream.Bytes,
                    EverConsistent: true);
                _log.Record(new StoreRecord.Rewound(id, _log.NewSegment(stream)));
                AfterDrop(layer);
            });
        }
    }

    /// <summary>The manifest has dropped the layers above one: brings hashes and index in line.</summary>
    private void AfterDrop(long layer)
    {
        var dropped = _log.Layers.Where(l => l.From > layer).ToList();
        _hashes.Rebase(State.HashEpoch, layer, dropped, [.. State.Disks.Select(d => d.SizeBytes)]);
        _log.DropUnlisted(andUnsealed: true);
        _recent.Forget();
        Settled();
    }

    private (RecoveryPoint Point, long Layer) Find(RecoveryPointId id)
    {
        var index = State.IndexOf(id);
        return index >= 0 ? (AsKnown(State.Points[index].Point), State.Points[index].Layer)
            : throw new ReplicaRefusedException(
            ReplicaRefusal.UnknownPoint,
                $"Recovery point {id} does not exist: '{Vm}' has {State.Points.Count} points.");
    }

    private (RecoveryPoint Point, long Layer) Usable(RecoveryPointId id)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        NoteDamage();
        var found = Find(id);
        return found.Point.UnusableBecause is not { } why ? found : throw new ReplicaRefusedException(
            ReplicaRefusal.PointUnusable, $"Recovery point {id} must not be used: {why} Choose another point.");
    }

    private LayeredReader ReaderOf(long layer) => new(_log, layer, _records, new BaseLower(_base));

    private string? InUse(RecoveryPointId id)
    {
        var point = Find(id).Point;
        if (point.Holds.Count > 0)
        {
            return $"it is held: {string.Join(", ", point.Holds)}";
        }

        if (State.Overlays.Values.FirstOrDefault(o => o.Point == id) is { } overlay)
        {
            return $"overlay '{overlay.Name}' stands on it";
        }

        return _exports.ContainsKey(id) ? "it is being read" : null;
    }

    private void RefuseIfNewerInUse(RecoveryPointId id)
    {
        foreach (var (point, _) in State.Points.Skip(State.IndexOf(id) + 1))
        {
            if (InUse(point.Id) is { } why)
            {
                throw new ReplicaRefusedException(
                    ReplicaRefusal.PointInUse, $"Recovery point {point.Id} cannot be dropped: {why}. End that first.");
            }
        }

    }

    private void Pin(RecoveryPointId id) => _exports[id] = _exports.GetValueOrDefault(id) + 1;

    private void Unpin(RecoveryPointId id)
    {
        lock (_session)
        {
            if (--_exports[id] == 0)
            {
                _exports.Remove(id);
            }
        }
    }

    /// <summary>Marks every point unusable that contains bytes found damaged (I7).</summary>
    private void NoteDamage()
    {
        while (_damage.TryDequeue(out var found))
        {
            _hashes.Distrust(found.Damage.Range);
            var hit = State.Points.Where(p => p.Point.Usable
                && (p.Point.Id == found.Point || Contains(p.Layer, found.Damage)))
                .Select(p => p.Point.Id).ToList();
            hit.ForEach(id => _unrecorded.TryAdd(id, found.Damage.Message));
        }

        if (_unrecorded.Count == 0 || _log.Poisoned)
        {
            return;
        }

        try
        {
            _log.Record([.. _unrecorded.Where(u => State.IndexOf(u.Key) >= 0)
                .Select(u => new StoreRecord.PointUnusable(u.Key, u.Value))]);
            _unrecorded.Clear();
        }
        catch (StorageException)
        {
            // The points count as unusable all the same; the record follows when there is space. A log that cannot be
            // synced is poisoned and says so to the next who writes; opened again, the damage is found again.
            return;
        }
    }

    private void Relist()
    {
        NoteDamage();
        if (_listedAt != (State.Folded, _unrecorded.Count))
        {
            _points = [.. State.Points.Select(p => AsKnown(p.Point))];
            _skipped = [.. State.Skipped];
            _listedAt = (State.Folded, _unrecorded.Count);
        }
    }

    private RecoveryPoint AsKnown(RecoveryPoint point) =>
        _unrecorded.TryGetValue(point.Id, out var why) ? point with { UnusableBecause = why } : point;

    /// <summary>Whether the view of a layer reads a damaged range from the same place.</summary>
    private bool Contains(long layer, DamagedRangeException damage)
    {
        var pieces = new List<Piece>();
        var (disk, offset, length) = (damage.Range.Disk, damage.Range.Offset, (int)damage.Range.Length);
        var region = Region.Of(offset);
        var from = (int)(offset - Region.StartOf(region));
        _log.Gate.EnterReadLock();
        try
        {
            ReaderOf(layer).Pieces(disk, region, from, from + length, pieces);
        }
        catch (DamagedRangeException)
        {
            // Its own index is damaged there.
            return true;
        }
        finally
        {
            _log.Gate.ExitReadLock();
        }

        return pieces.Exists(p => damage.Place is { } s && p.Extent.Segment == s.Segment
            && (s.IsBelow || p.Extent.Record == s.Record));
    }
}

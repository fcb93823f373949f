using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.Extents;
using ReplicationEngine.DataPlane.ReplicaStore.Manifests;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>Work in the background, in steps short enough for replication to go on between them.</summary>
public sealed partial class ReplicaStore
{
    private const int MostMerged = 16;
    private GradeJob? _grade;
    private FoldJob? _fold;
    private MergeJob? _merge;
    private long _blockedFold = -1;
    private readonly HashSet<uint> _unmergeable = [];

    /// <summary>
    /// Computes digests of new points, folds the oldest layers into the base images, merges layers whose points are
    /// gone, cleans and frees segments. Each step is bounded (some milliseconds; a fold step writes at most 8 MiB);
    /// between steps other callers get in. Returns whether there is more to do.
    /// </summary>
    /// <param name="budget">How long to go on beginning steps.</param>
    /// <param name="cancellationToken">Ends it after the step at hand.</param>
    /// <exception cref="ReplicaRefusedException">The system refuses to write; nothing is half-done, call again
    /// later.</exception>
    public bool Maintain(TimeSpan budget, CancellationToken cancellationToken = default)
    {
        var start = _options.Time.GetTimestamp();
        do
        {
            if (!MaintainStep())
            {
                return false;
            }
        }
        while (!cancellationToken.IsCancellationRequested && _options.Time.GetElapsedTime(start) < budget);

        return true;
    }

    private bool MaintainStep()
    {
        lock (_session)
        {
            EnsureWritable();
            NoteDamage();
            var more = false;
            Durably(() => more = GradeStep() || FoldStep() || MergeStep());
            return more || _overlays.Values.Any(o => MaintainOverlay(o));
        }
    }

    private bool MaintainOverlay(Overlays.Overlay overlay)
    {
        var more = false;
        Durably(() => more = overlay.Maintain());
        return more;
    }

    private bool GradeStep()
    {
        if (_grade is not null && !State.Points.Exists(p => p.Point.Id == _grade.Point.Id && p.Point.Usable))
        {
            _grade.Dispose();
            _grade = null;
        }

        if (_grade is null)
        {
            var (point, layer) = State.Points.Find(p => p.Point.Grade == PointGrade.Received && p.Point.Usable);
            if (point is null)
            {
                return false;
            }

            _grade = new GradeJob(point, layer, ReaderOf(layer), _hashes, [.. State.Disks.Select(d => d.SizeBytes)]);
        }

        try
        {
            _log.Gate.EnterReadLock();
            try
            {
                if (_grade.Step(TryNotedAt))
                {
                    return true;
                }
            }
            finally
            {
                _log.Gate.ExitReadLock();
            }

            _log.Record(new StoreRecord.PointGraded(_grade.Point.Id, _grade.Digest));
            _grade.Dispose();
            _grade = null;
        }
        catch (Views.DamagedRangeException e)
        {
            _damage.Enqueue((_grade!.Point.Id, e));
            NoteDamage();
        }

        return true;
    }

    /// <summary>A noted hash, when no layer above the one given has touched the block. Under the gate.</summary>
    private bool TryNotedAt(int disk, long block, long layer, out Hashes.Hash256 hash)
    {
        var region = Region.Of(block * IReplicaSink.HashBlockSize);
        return _hashes.TryNoted(disk, block, out hash)
            && !_log.Layers.Any(l => l.To > layer && l.MayTouch(disk, region, region));
    }

    private bool FoldStep()
    {
        if (_fold is null)
        {
            var oldest = _log.Sealed.Count == 0 ? null : _log.Sealed[0];
            if (oldest is null || State.Points.Count == 0 || oldest.To > State.Points.Min(p => p.Layer)
                || oldest.To == _blockedFold
                || oldest.Damage is not null)
            {
                return false;
            }

            EndJobs();
            _fold = new FoldJob(oldest, _records, _base, _options.FoldStepBytes);
        }

        try
        {
            if (_fold.Step(_log.Exclusive))
            {
                return true;
            }

            _hashes.Outdate(_fold.Layer);
            _log.Record(new StoreRecord.LayerFolded(_fold.Layer.To));
            _fold = null;
            _log.DropUnlisted(andUnsealed: false);
            FreeSegments();
        }
        catch (ReplicaCorruptException)
        {
            // What is damaged is not folded: the layer stays, and reading it goes on failing until something newer
            // covers it.
            _blockedFold = _fold!.Layer.To;
            _fold = null;
        }
        catch
        {
            _fold = null;
            throw;
        }

        return true;
    }

    private bool MergeStep()
    {
        _merge ??= NextMerge();
        if (_merge is null)
        {
            return FreeSegments() > 0;
        }

        try
        {
            if (!_merge.Step())
            {
                EndMerge();
                FreeSegments();
            }
        }
        catch (ReplicaCorruptException)
        {
            _merge.Layers.ToList().ForEach(l => _unmergeable.Add(l.Info.File));
            EndMerge();
        }
        catch
        {
            EndMerge();
            throw;
        }

        return true;
    }

    /// <summary>The first row of layers between which no point ends, or a layer with mostly dead segments.</summary>
    private MergeJob? NextMerge()
    {
        var row = new List<SealedLayer>();
        foreach (var layer in _log.Sealed)
        {
            if (row.Count > 1 && (row.Count == MostMerged || EndsBetween(row[^1], layer) || IsUnmergeable(layer)))
            {
                break;
            }

            if (row.Count == 1 && EndsBetween(row[0], layer))
            {
                row.Clear();
            }

            if (IsUnmergeable(layer))
            {
                row.Clear();
                continue;
            }

            row.Add(layer);
        }

        try
        {
            return row.Count <= 1 ? MergeJob.Cleaning(_log, _segments, _records)
                : new MergeJob(_log, _segments, _records, row);
        }
        catch (ReplicaCorruptException)
        {
            // A layer with a damaged index stays as it is: the points above it are unusable.
            (row.Count > 1 ? row : _log.Sealed).ToList().ForEach(l => _unmergeable.Add(l.Info.File));
            return null;
        }
    }

    private bool IsUnmergeable(SealedLayer layer) => layer.Damage is not null || _unmergeable.Contains(layer.Info.File);

    /// <summary>Whether a point ends between two layers; its number may lie in a gap that a rewind has left.</summary>
    private bool EndsBetween(SealedLayer older, SealedLayer newer) =>
        State.Points.Exists(p => p.Layer >= older.To && p.Layer < newer.From);

    private void EndMerge()
    {
        _merge?.Dispose();
        _merge = null;
    }

    /// <summary>Drops what is half-done in memory; all of it can begin anew.</summary>
    private void EndJobs()
    {
        EndMerge();
        _fold = null;
        _grade?.Dispose();
        _grade = null;
    }
}

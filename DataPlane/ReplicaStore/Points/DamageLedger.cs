using System.Collections.Concurrent;
using ReplicationEngine.DataPlane.ReplicaStore.Extents;
using ReplicationEngine.DataPlane.ReplicaStore.Manifests;
using ReplicationEngine.DataPlane.ReplicaStore.Views;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicaStore.Points;

/// <summary>
/// Damaged bytes that readers have found, and the points that must not be used because they contain them (I7).
/// </summary>
/// <remarks>
/// <see cref="Report"/> takes no lock and may be called from any thread, under the log's gate too; what it leaves is
/// taken up by <see cref="Settle"/>. The store's session lock guards everything else; the log's gate is taken after
/// that.
/// </remarks>
internal sealed class DamageLedger(LayerStack content)
{
    private readonly ConcurrentQueue<(RecoveryPointId Point, DamagedRangeException Damage)> _found = new();
    private readonly Dictionary<RecoveryPointId, string> _unrecorded = [];

    /// <summary>How many unusable points the manifest does not know of yet.</summary>
    public int Unrecorded => _unrecorded.Count;

    /// <summary>A reader of a point has found damage.</summary>
    public void Report(RecoveryPointId point, DamagedRangeException damage) => _found.Enqueue((point, damage));

    /// <summary>A point must not be used, for a reason that no damaged bytes show.</summary>
    public void MarkUnusable(RecoveryPointId point, string why) => _unrecorded.TryAdd(point, why);

    /// <summary>Marks every point unusable that contains bytes found damaged.</summary>
    public void Settle()
    {
        while (_found.TryDequeue(out var found))
        {
            content.Hashes.Distrust(found.Damage.Range);
            foreach (var (point, layer) in content.State.Points)
            {
                if (point.Usable && (point.Id == found.Point || Contains(layer, found.Damage)))
                {
                    _unrecorded.TryAdd(point.Id, found.Damage.Message);
                }
            }
        }

        if (_unrecorded.Count > 0 && !content.Log.Poisoned)
        {
            Record();
        }
    }

    /// <summary>A point as it is known here, whether the manifest knows that it is unusable or not.</summary>
    public RecoveryPoint AsKnown(RecoveryPoint point) =>
        _unrecorded.TryGetValue(point.Id, out var why) ? point with { UnusableBecause = why } : point;

    private void Record()
    {
        try
        {
            content.Log.Record([.. _unrecorded.Where(u => content.State.IndexOf(u.Key) >= 0)
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

    /// <summary>Whether the view of a layer reads a damaged range from the same place.</summary>
    private bool Contains(long layer, DamagedRangeException damage)
    {
        var pieces = new List<Piece>();
        var (disk, offset, length) = (damage.Range.Disk, damage.Range.Offset, (int)damage.Range.Length);
        var region = Region.Of(offset);
        var from = (int)(offset - Region.StartOf(region));
        content.Log.Gate.EnterReadLock();
        try
        {
            content.ViewAt(layer).Pieces(disk, region, from, from + length, pieces);
        }
        catch (DamagedRangeException)
        {
            // Its own index is damaged there.
            return true;
        }
        finally
        {
            content.Log.Gate.ExitReadLock();
        }

        return pieces.Exists(p => damage.Place is { } s && p.Extent.Segment == s.Segment
            && (s.IsBelow || p.Extent.Record == s.Record));
    }
}

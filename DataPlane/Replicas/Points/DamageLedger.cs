using System.Collections.Concurrent;
using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas.Points;

/// <summary>
/// The damaged bytes that readers have found, and the points that must not be used because they contain them (I7).
/// </summary>
/// <remarks>
/// <see cref="Report"/> takes no lock and may be called from any thread, also under the log's gate;
/// <see cref="Settle"/> processes its reports. The store's session lock guards all other members; the log's gate is
/// taken after that.
/// </remarks>
internal sealed class DamageLedger(LayerStack content)
{
    private readonly ConcurrentQueue<(RecoveryPointId Point, DamagedRangeException Damage)> _found = new();
    private readonly Dictionary<RecoveryPointId, string> _unrecorded = [];

    /// <summary>The number of unusable points that the manifest does not record yet.</summary>
    public int Unrecorded => _unrecorded.Count;

    /// <summary>Reports damage that a reader of a point has found.</summary>
    public void Report(RecoveryPointId point, DamagedRangeException damage) => _found.Enqueue((point, damage));

    /// <summary>Marks a point unusable for a reason other than damaged bytes.</summary>
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

    /// <summary>
    /// Returns a point with its current usability, including damage that the manifest does not record yet.
    /// </summary>
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
            // synced is poisoned and refuses the next write; after reopening, the damage is found again.
            return;
        }
    }

    /// <summary>Returns whether the view of a layer reads a damaged range from the same location.</summary>
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
            // The view's own index is damaged there.
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

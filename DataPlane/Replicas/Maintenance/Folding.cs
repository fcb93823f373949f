using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Extents;

namespace ReplicationEngine.DataPlane.Replicas.Maintenance;

/// <summary>Folds the oldest layers into the base images, as far as no point ends in them.</summary>
/// <remarks>
/// The store's session lock guards the state; the base changes under the log's gate, write side. A merge may use the
/// layer to be folded, so the merge is ended before a fold starts.
/// </remarks>
internal sealed class Folding(LayerStack content, Compaction compaction, int stepBytes)
{
    private FoldJob? _job;
    private long _damagedLayer = -1;

    /// <summary>Runs one step; false if there is nothing to fold.</summary>
    public bool Step()
    {
        if (_job is null)
        {
            if (Next() is not { } layer)
            {
                return false;
            }

            compaction.End();
            _job = new FoldJob(layer, content.Records, content.Base, stepBytes);
        }

        try
        {
            if (!_job.Step(content.Log.Exclusive))
            {
                content.DropFolded(_job.Layer);
                _job = null;
            }
        }
        catch (ReplicaCorruptException)
        {
            // A damaged layer is not folded: it remains, and reading it continues to fail until newer content covers
            // it.
            _damagedLayer = _job!.Layer.To;
            _job = null;
        }
        catch
        {
            _job = null;
            throw;
        }

        return true;
    }

    /// <summary>Drops the unfinished work; the next step starts it again.</summary>
    public void End() => _job = null;

    private SealedLayer? Next()
    {
        var oldest = content.Log.Sealed.Count == 0 ? null : content.Log.Sealed[0];
        var points = content.State.Points;
        return oldest is null || points.Count == 0 || oldest.To > points.Min(p => p.Layer)
            || oldest.To == _damagedLayer || oldest.Damage is not null ? null : oldest;
    }
}

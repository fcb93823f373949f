using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore.Extents;

namespace ReplicationEngine.DataPlane.ReplicaStore.Maintenance;

/// <summary>Merges layers between which no point ends any more, and cleans segments that are mostly dead.</summary>
/// <remarks>The store's session lock guards it; the index changes under the log's gate, write side.</remarks>
internal sealed class Compaction(LayerStack content)
{
    private const int MostMerged = 16;
    private readonly HashSet<uint> _damagedFiles = [];
    private MergeJob? _job;

    /// <summary>One step; false when there is nothing to merge, clean or free.</summary>
    public bool Step()
    {
        _job ??= Next();
        if (_job is null)
        {
            return content.FreeSegments() > 0;
        }

        try
        {
            if (!_job.Step())
            {
                End();
                content.FreeSegments();
            }
        }
        catch (ReplicaCorruptException)
        {
            LeaveAlone(_job!.Layers);
            End();
        }
        catch
        {
            End();
            throw;
        }

        return true;
    }

    /// <summary>Drops what is half-done; it begins again with the next step.</summary>
    public void End()
    {
        _job?.Dispose();
        _job = null;
    }

    private MergeJob? Next()
    {
        var row = FirstRow();
        try
        {
            return row.Count <= 1 ? MergeJob.Cleaning(content.Log, content.Segments, content.Records)
                : new MergeJob(content.Log, content.Segments, content.Records, row);
        }
        catch (ReplicaCorruptException)
        {
            // A layer with a damaged index stays as it is: the points above it are unusable.
            LeaveAlone(row.Count > 1 ? row : content.Log.Sealed);
            return null;
        }
    }

    /// <summary>The first row of layers between which no point ends; one layer or none when there is no such
    /// row.</summary>
    private List<SealedLayer> FirstRow()
    {
        var row = new List<SealedLayer>();
        foreach (var layer in content.Log.Sealed)
        {
            if (row.Count > 1 && (row.Count == MostMerged || EndsBetween(row[^1], layer) || IsDamaged(layer)))
            {
                break;
            }

            if (row.Count == 1 && EndsBetween(row[0], layer))
            {
                row.Clear();
            }

            if (IsDamaged(layer))
            {
                row.Clear();
                continue;
            }

            row.Add(layer);
        }

        return row;
    }

    private bool IsDamaged(SealedLayer layer) => layer.Damage is not null || _damagedFiles.Contains(layer.Info.File);

    private void LeaveAlone(IReadOnlyList<SealedLayer> layers) =>
        _damagedFiles.UnionWith(layers.Select(l => l.Info.File));

    /// <summary>Whether a point ends between two layers; its number may lie in a gap that a rewind has left.</summary>
    private bool EndsBetween(SealedLayer older, SealedLayer newer) =>
        content.State.Points.Exists(p => p.Layer >= older.To && p.Layer < newer.From);
}

using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Extents;

namespace ReplicationEngine.DataPlane.Replicas.Maintenance;

/// <summary>Merges layers between which points no longer end, and cleans segments that are mostly dead.</summary>
/// <remarks>The store's session lock guards the state; the index changes under the log's gate, write side.</remarks>
internal sealed class Compaction(LayerStack content)
{
    private const int MostMerged = 16;
    private readonly HashSet<uint> _damagedFiles = [];
    private MergeJob? _job;

    /// <summary>Runs one step; false if there is nothing to merge, clean or free.</summary>
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

    /// <summary>Drops the unfinished work; the next step starts it again.</summary>
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
            // A layer with a damaged index is not merged: the points above it are unusable.
            LeaveAlone(row.Count > 1 ? row : content.Log.Sealed);
            return null;
        }
    }

    /// <summary>
    /// Returns the first row of layers between which no point ends; one layer or none if there is no such row.
    /// </summary>
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

    /// <summary>
    /// Returns whether a point ends between two layers; its number may be in a gap that a rewind has left.
    /// </summary>
    private bool EndsBetween(SealedLayer older, SealedLayer newer) =>
        content.State.Points.Exists(p => p.Layer >= older.To && p.Layer < newer.From);
}

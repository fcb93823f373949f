using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>Writes a row of adjacent layers as one index file, a number of regions at a time.</summary>
internal sealed class LayerMerge : IDisposable
{
    private readonly IReadOnlyList<ILayer> _layers;
    private readonly LayerFileWriter _writer;
    private readonly PriorityQueue<IEnumerator<long>, long> _next = new();
    private readonly List<Extent> _extents = [];
    private readonly ExtentList _merged = new();
    private readonly Func<long, Extent, Extent> _place;
    private long _last = -1;
    private bool _broken;

    /// <param name="directory">The directory of the file.</param>
    /// <param name="tag">The store's tag.</param>
    /// <param name="file">Owner and number of the file.</param>
    /// <param name="layers">The layers, oldest first.</param>
    /// <param name="place">Returns the new location of an extent of a region.</param>
    public LayerMerge(
        IStorageDirectory directory, Guid tag, (uint Owner, uint Number) file, IReadOnlyList<ILayer> layers,
        Func<long, Extent, Extent> place)
    {
        (_layers, _place) = (layers, place);
        _writer = new LayerFileWriter(directory, tag, file.Owner, file.Number);
        try
        {
            foreach (var layer in layers)
            {
                Advance(layer.RegionKeys().GetEnumerator());
            }
        }
        catch
        {
            Dispose();
            directory.Delete(FileNames.Layer(file.Owner, file.Number));
            throw;
        }
    }

    /// <summary>Writes layers in one call.</summary>
    public static LayerInfo Write(
        IStorageDirectory directory, Guid tag, uint owner, uint number, IReadOnlyList<ILayer> layers)
    {
        var merge = new LayerMerge(directory, tag, (owner, number), layers, (_, extent) => extent);
        try
        {
            using (merge)
            {
                merge.Step(int.MaxValue);
                return merge.Finish();
            }
        }
        catch
        {
            directory.Delete(FileNames.Layer(owner, number));
            throw;
        }
    }

    /// <summary>
    /// Writes at most so many regions; false if none is left. After an exception the file is incomplete and the merge
    /// cannot continue.
    /// </summary>
    public bool Step(int regions)
    {
        EnsureWhole();
        _broken = true;
        for (; regions > 0 && _next.Count > 0; regions--)
        {
            var walker = _next.Dequeue();
            var key = walker.Current;
            if (key != _last)
            {
                WriteRegion(key);
                _last = key;
            }

            Advance(walker);
        }

        _broken = false;
        return _next.Count > 0;
    }

    public LayerInfo Finish()
    {
        EnsureWhole();
        var wide = new List<WideZero>();
        foreach (var run in _layers.SelectMany(l => l.WideZeroes))
        {
            WideZeroes.Add(wide, run);
        }

        return _writer.Finish(_layers[0].From, _layers[^1].To, wide);
    }

    public void Dispose()
    {
        foreach (var (walker, _) in _next.UnorderedItems)
        {
            walker.Dispose();
        }

        _writer.Dispose();
    }

    private void EnsureWhole()
    {
        if (_broken)
        {
            throw new InvalidOperationException("A merge that failed halfway is discarded and restarted.");
        }
    }

    private void Advance(IEnumerator<long> walker)
    {
        if (walker.MoveNext())
        {
            _next.Enqueue(walker, walker.Current);
        }
        else
        {
            walker.Dispose();
        }
    }

    private void WriteRegion(long key)
    {
        var (disk, region) = (Region.DiskOf(key), Region.RegionOf(key));
        _merged.Clear();
        foreach (var layer in _layers)
        {
            if (layer.IsWideZero(disk, region))
            {
                _merged.Clear();
            }

            _extents.Clear();
            layer.Collect(disk, region, 0, Region.Size, _extents);
            foreach (var extent in _extents)
            {
                _merged.Insert(extent);
            }
        }

        foreach (var extent in _merged.Items)
        {
            _writer.Add(key, _place(key, extent));
        }
    }
}

using ReplicationEngine.DataPlane.Replicas.Manifests;

namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>
/// A layer in memory: a hash table of regions, each a small sorted array. A random 4 KiB write costs one lookup and a
/// move of at most 64 entries; an extent takes 24 bytes (twice that while an array has room to grow) and a region about
/// 100 more. Changed by one thread under the log's write lock, read under its read lock.
/// </summary>
internal sealed class ActiveLayer(long number) : ILayer
{
    private readonly Dictionary<long, ExtentList> _regions = [];
    private readonly List<WideZero> _wide = [];

    public long From => number;

    public long To => number;

    /// <summary>The number of extents in the layer; limits the layer's memory.</summary>
    public int Count { get; private set; }

    /// <summary>The bytes of the layer's records; limits the time to scan them again.</summary>
    public long Bytes { get; set; }

    /// <summary>The log's state at this layer's end; set when the layer is frozen.</summary>
    public Checkpoint? End { get; set; }

    public bool IsEmpty => Count == 0 && _wide.Count == 0;

    public IReadOnlyList<WideZero> WideZeroes => _wide;

    /// <summary>Puts a record's data (or zeroes, segment 0) over a range of a disk.</summary>
    public void Put(int disk, long offset, long length, uint segment, long record)
    {
        var end = offset + length;
        for (var at = offset; at < end;)
        {
            var region = Region.Of(at);
            var start = Region.StartOf(region);
            if (segment == 0 && at == start && end - at >= Region.Size)
            {
                var last = Region.Of(end) - 1;
                PutWide(new WideZero(disk, region, last));
                at = Region.StartOf(last + 1);
                continue;
            }

            var stop = Math.Min(end, start + Region.Size);
            var extent = new Extent((int)(at - start), (int)(stop - at), segment, segment == 0 ? 0 : record,
                segment == 0 ? 0 : (int)(at - offset));
            Count += ListOf(Region.Key(disk, region)).Insert(extent);
            at = stop;
        }
    }

    /// <summary>Puts an extent of another layer over a region.</summary>
    public void Put(long key, in Extent extent) => Count += ListOf(key).Insert(extent);

    public void Collect(int disk, long region, int from, int to, List<Extent> target)
    {
        if (_regions.TryGetValue(Region.Key(disk, region), out var list))
        {
            list.Collect(from, to, target);
        }
    }

    public bool IsWideZero(int disk, long region) => _wide.Count > 0
        && Extents.WideZeroes.Contains(_wide, disk, region);

    public bool Touches(int disk, long firstRegion, long lastRegion)
    {
        for (var region = firstRegion; region <= lastRegion; region++)
        {
            if (_regions.ContainsKey(Region.Key(disk, region)))
            {
                return true;
            }
        }

        return Extents.WideZeroes.Overlaps(_wide, disk, firstRegion, lastRegion);
    }

    public IEnumerable<long> RegionKeys()
    {
        var keys = _regions.Where(r => r.Value.Count > 0).Select(r => r.Key).ToArray();
        Array.Sort(keys);
        return keys;
    }

    private void PutWide(WideZero run)
    {
        if (run.Last - run.First < _regions.Count)
        {
            for (var region = run.First; region <= run.Last; region++)
            {
                Drop(Region.Key(run.Disk, region));
            }
        }
        else
        {
            var (first, last) = (Region.Key(run.Disk, run.First), Region.Key(run.Disk, run.Last));
            foreach (var key in _regions.Keys.Where(k => k >= first && k <= last).ToArray())
            {
                Drop(key);
            }
        }

        Extents.WideZeroes.Add(_wide, run);
    }

    private void Drop(long key)
    {
        if (_regions.Remove(key, out var list))
        {
            Count -= list.Count;
        }
    }

    private ExtentList ListOf(long key)
    {
        if (!_regions.TryGetValue(key, out var list))
        {
            _regions.Add(key, list = new ExtentList());
        }

        return list;
    }
}

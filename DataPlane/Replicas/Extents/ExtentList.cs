namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>The extents of one region, sorted and without overlap; a later one replaces the parts it covers.</summary>
internal sealed class ExtentList
{
    private Extent[] _items = new Extent[2];

    public int Count { get; private set; }

    public ReadOnlySpan<Extent> Items => _items.AsSpan(0, Count);

    public void Clear() => Count = 0;

    /// <summary>Puts an extent over the existing ones; returns the increase of the count.</summary>
    public int Insert(in Extent extent)
    {
        var before = Count;
        var first = FirstEndingAfter(extent.Start);
        var last = first;
        while (last < Count && _items[last].Start < extent.End)
        {
            last++;
        }

        Span<Extent> put = stackalloc Extent[3];
        var n = 0;
        if (last > first && _items[first].Start < extent.Start)
        {
            put[n++] = _items[first].Slice(_items[first].Start, extent.Start);
        }

        put[n++] = extent;
        if (last > first && _items[last - 1].End > extent.End)
        {
            put[n++] = _items[last - 1].Slice(extent.End, _items[last - 1].End);
        }

        Replace(first, last, put[..n]);
        return Count - before;
    }

    /// <summary>Adds the extents that touch a range to a list, in order.</summary>
    public void Collect(int from, int to, List<Extent> target)
    {
        for (var i = FirstEndingAfter(from); i < Count && _items[i].Start < to; i++)
        {
            target.Add(_items[i]);
        }
    }

    private int FirstEndingAfter(int place)
    {
        var (low, high) = (0, Count);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (_items[middle].End > place)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }

    private void Replace(int first, int last, ReadOnlySpan<Extent> put)
    {
        var count = Count - (last - first) + put.Length;
        if (count > _items.Length)
        {
            Array.Resize(ref _items, Math.Max(count, _items.Length * 2));
        }

        Array.Copy(_items, last, _items, first + put.Length, Count - last);
        put.CopyTo(_items.AsSpan(first));
        Count = count;
    }
}

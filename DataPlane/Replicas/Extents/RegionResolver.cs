namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>
/// Resolves the content of a part of a region in a stack of layers: from the newest layer down, each layer fills the
/// parts that the newer ones left open; the rest comes from below. Use one instance per thread, because it reuses its
/// scratch lists.
/// </summary>
internal sealed class RegionResolver
{
    [ThreadStatic]
    private static RegionResolver? t_instance;

    private readonly List<Extent> _extents = [];
    private List<(int Start, int End)> _gaps = [];
    private List<(int Start, int End)> _next = [];

    /// <summary>The instance of the current thread.</summary>
    public static RegionResolver Instance => t_instance ??= new RegionResolver();

    /// <summary>
    /// Adds the pieces of a part of a region to <paramref name="target"/>, in order, without gaps.
    /// <paramref name="layers"/> is ordered from old to new; layers above <paramref name="cut"/> are ignored.
    /// </summary>
    public void Resolve(
        IReadOnlyList<ILayer> layers, long cut, int disk, long region, (int From, int To) part, List<Piece> target)
    {
        var first = target.Count;
        _gaps.Clear();
        _gaps.Add(part);
        for (var i = layers.Count - 1; i >= 0 && _gaps.Count > 0; i--)
        {
            if (layers[i].To > cut)
            {
                continue;
            }

            _extents.Clear();
            layers[i].Collect(disk, region, part.From, part.To, _extents);
            var wide = layers[i].IsWideZero(disk, region);
            if (_extents.Count > 0 || wide)
            {
                Fill(layers[i].To, wide, target);
            }
        }

        foreach (var (start, end) in _gaps)
        {
            target.Add(new Piece(new Extent(start, end - start, Extent.Below, 0, 0), 0));
        }

        target.Sort(first, target.Count - first, ByStart.Instance);
    }

    private void Fill(long layer, bool wide, List<Piece> target)
    {
        _next.Clear();
        var from = 0;
        foreach (var (start, end) in _gaps)
        {
            var at = start;
            while (from < _extents.Count && _extents[from].End <= at)
            {
                from++;
            }

            for (var i = from; i < _extents.Count && _extents[i].Start < end; i++)
            {
                var extent = _extents[i];
                Open(at, Math.Max(at, extent.Start), layer, wide, target);
                at = Math.Max(at, extent.Start);
                var stop = Math.Min(end, extent.End);
                target.Add(new Piece(extent.Slice(at, stop), layer));
                at = stop;
            }

            Open(at, end, layer, wide, target);
        }

        (_gaps, _next) = (_next, _gaps);
    }

    private void Open(int start, int end, long layer, bool wide, List<Piece> target)
    {
        if (start >= end)
        {
            return;
        }

        if (wide)
        {
            target.Add(new Piece(new Extent(start, end - start, 0, 0, 0), layer));
        }
        else
        {
            _next.Add((start, end));
        }
    }

    private sealed class ByStart : IComparer<Piece>
    {
        public static readonly ByStart Instance = new();

        public int Compare(Piece x, Piece y) => x.Extent.Start.CompareTo(y.Extent.Start);
    }
}

using ReplicationEngine.DataPlane.Replicas.Bases;
using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.DataPlane.Replicas.Segments;

namespace ReplicationEngine.DataPlane.Replicas.Maintenance;

/// <summary>
/// Writes the oldest layer into the base images, a bounded number of bytes at a time. The job may stop anywhere and
/// start again; <see cref="BaseImage"/> explains why.
/// </summary>
internal sealed class FoldJob
{
    private const int ChunksPerRegion = Region.Size / BaseDisk.ChunkSize;
    private const long WideRegionsPerStep = 1 << 14;
    private readonly RecordReader _records;
    private readonly BaseImage _base;
    private readonly int _stepBytes;
    private readonly Queue<WideZero> _wide;
    private readonly IEnumerator<long> _regions;
    private readonly List<Extent> _extents = [];

    public FoldJob(SealedLayer layer, RecordReader records, BaseImage image, int stepBytes)
    {
        (Layer, _records, _base, _stepBytes) = (layer, records, image, stepBytes);
        _wide = new Queue<WideZero>(layer.WideZeroes);
        _regions = layer.RegionKeys().GetEnumerator();
    }

    public SealedLayer Layer { get; }

    /// <summary>Runs one step; false when the whole layer is in the base, durably.</summary>
    public bool Step(Action<Action> exclusive)
    {
        var runs = new List<FoldedRun>();
        if (_wide.TryDequeue(out var wide))
        {
            runs.AddRange(FoldWide(wide));
        }
        else
        {
            for (var bytes = 0; bytes < _stepBytes && _regions.MoveNext(); bytes += Region.Size)
            {
                FoldRegion(_regions.Current, runs);
            }
        }

        if (runs.Count == 0)
        {
            return false;
        }

        _base.Fold(runs, exclusive);
        return true;
    }

    /// <summary>
    /// Folds zero regions first, because the layer's extents lie over them. The part of a run beyond this step is kept
    /// for the next one.
    /// </summary>
    private IEnumerable<FoldedRun> FoldWide(WideZero run)
    {
        if (run.Last - run.First >= WideRegionsPerStep)
        {
            _wide.Enqueue(run with { First = run.First + WideRegionsPerStep });
            run = run with { Last = run.First + WideRegionsPerStep - 1 };
        }

        yield return new FoldedRun(
            run.Disk, run.First * ChunksPerRegion, (run.Last - run.First + 1) * ChunksPerRegion, true, [], []);
    }

    private void FoldRegion(long key, List<FoldedRun> runs)
    {
        var (disk, region) = (Region.DiskOf(key), Region.RegionOf(key));
        _extents.Clear();
        Layer.Collect(disk, region, 0, Region.Size, _extents);
        Span<int> covered = stackalloc int[ChunksPerRegion];
        Span<int> zeroes = stackalloc int[ChunksPerRegion];
        covered.Clear();
        zeroes.Clear();
        foreach (var extent in _extents)
        {
            for (var at = extent.Start; at < extent.End;)
            {
                var chunk = at / BaseDisk.ChunkSize;
                var stop = Math.Min(extent.End, (chunk + 1) * BaseDisk.ChunkSize);
                covered[chunk] += stop - at;
                zeroes[chunk] += extent.IsZero ? stop - at : 0;
                at = stop;
            }
        }

        for (var first = 0; first < ChunksPerRegion;)
        {
            var last = first;
            var kind = KindOf(covered[first], zeroes[first]);
            while (last + 1 < ChunksPerRegion && KindOf(covered[last + 1], zeroes[last + 1]) == kind)
            {
                last++;
            }

            if (kind != ChunkKind.Untouched)
            {
                runs.Add(Run(disk, region, first, last - first + 1, kind, covered));
            }

            first = last + 1;
        }
    }

    private FoldedRun Run(int disk, long region, int first, int count, ChunkKind kind, ReadOnlySpan<int> covered)
    {
        var firstChunk = (region * ChunksPerRegion) + first;
        if (kind == ChunkKind.Zero)
        {
            return new FoldedRun(disk, firstChunk, count, true, [], []);
        }

        var data = new byte[count * BaseDisk.ChunkSize];
        var partial = new List<long>();
        for (var i = 0; i < count; i++)
        {
            if (covered[first + i] < BaseDisk.ChunkSize)
            {
                partial.Add(firstChunk + i);
                _base[disk].Read((firstChunk + i) * BaseDisk.ChunkSize,
                    data.AsSpan(i * BaseDisk.ChunkSize, BaseDisk.ChunkSize));
            }
        }

        var (from, to) = (first * BaseDisk.ChunkSize, (first + count) * BaseDisk.ChunkSize);
        foreach (var extent in _extents.Where(e => e.End > from && e.Start < to))
        {
            var part = extent.Slice(Math.Max(from, extent.Start), Math.Min(to, extent.End));
            var target = data.AsSpan(part.Start - from, part.Length);
            if (part.IsZero)
            {
                target.Clear();
            }
            else
            {
                _records.Read(part, disk, Region.StartOf(region) + part.Start, target);
            }
        }

        return new FoldedRun(disk, firstChunk, count, false, data, partial);
    }

    private static ChunkKind KindOf(int covered, int zeroes) =>
        covered == 0 ? ChunkKind.Untouched : zeroes == BaseDisk.ChunkSize ? ChunkKind.Zero : ChunkKind.Data;

    private enum ChunkKind
    {
        Untouched,
        Zero,
        Data,
    }
}

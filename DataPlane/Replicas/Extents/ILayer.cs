using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>
/// The changes of one interval. Layers are numbered without gaps; a merged layer spans several numbers. A recovery
/// point consists of the layers up to a number, so a layer spans the number of a live point only at its end.
/// </summary>
internal interface ILayer
{
    /// <summary>The first layer number that the layer spans.</summary>
    long From { get; }

    /// <summary>The last layer number that the layer spans.</summary>
    long To { get; }

    /// <summary>Adds the extents that touch a part of a region, in order and without overlap.</summary>
    void Collect(int disk, long region, int from, int to, List<Extent> target);

    /// <summary>
    /// Returns whether the whole region became zero before the extents of <see cref="Collect"/> were put over it.
    /// </summary>
    bool IsWideZero(int disk, long region);

    /// <summary>
    /// Returns whether any byte of the regions changed in this layer; may wrongly return true, never wrongly false.
    /// </summary>
    bool Touches(int disk, long firstRegion, long lastRegion);

    /// <summary>Returns the keys of the regions with extents, in order (wide zeroes are separate).</summary>
    IEnumerable<long> RegionKeys();

    /// <summary>The runs of whole regions that became zero.</summary>
    IReadOnlyList<WideZero> WideZeroes { get; }
}

internal static class LayerQueries
{
    /// <summary>Returns <see cref="ILayer.Touches"/>, or true if the index is damaged.</summary>
    public static bool MayTouch(this ILayer layer, int disk, long firstRegion, long lastRegion)
    {
        try
        {
            return layer.Touches(disk, firstRegion, lastRegion);
        }
        catch (ReplicaCorruptException)
        {
            return true;
        }
    }
}

/// <summary>A run of whole regions that became zero, so that a trim of a whole disk is one entry.</summary>
/// <param name="Disk">The index of the disk.</param>
/// <param name="First">The number of the first region.</param>
/// <param name="Last">The number of the last region, included.</param>
internal readonly record struct WideZero(int Disk, long First, long Last);

/// <summary>Operations on sorted, disjoint runs of zero regions.</summary>
internal static class WideZeroes
{
    public static bool Contains(IReadOnlyList<WideZero> runs, int disk, long region) =>
        Overlaps(runs, disk, region, region);

    /// <summary>Returns whether any run touches the regions.</summary>
    public static bool Overlaps(IReadOnlyList<WideZero> runs, int disk, long first, long last)
    {
        var (low, high) = (0, runs.Count);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (Compare(runs[middle], disk, first) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low < runs.Count && runs[low].Disk == disk && runs[low].First <= last;
    }

    /// <summary>Adds a run and joins the runs that it touches.</summary>
    public static void Add(List<WideZero> runs, WideZero run)
    {
        var at = 0;
        while (at < runs.Count && Compare(runs[at], run.Disk, run.First - 1) < 0)
        {
            at++;
        }

        while (at < runs.Count && runs[at].Disk == run.Disk && runs[at].First <= run.Last + 1)
        {
            run = new WideZero(run.Disk, Math.Min(run.First, runs[at].First), Math.Max(run.Last, runs[at].Last));
            runs.RemoveAt(at);
        }

        runs.Insert(at, run);
    }

    private static int Compare(in WideZero run, int disk, long region) =>
        run.Disk != disk ? run.Disk.CompareTo(disk) : run.Last.CompareTo(region);
}

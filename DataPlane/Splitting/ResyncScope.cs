using System.Numerics;
using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The extents that a new generation resynchronises, in addition to those that are Dirty already.</summary>
internal abstract class ResyncScope
{
    private ResyncScope()
    {
    }

    /// <summary>An empty scope.</summary>
    public static ResyncScope None { get; } = new NoneScope();

    /// <summary>The scope of all active extents.</summary>
    public static ResyncScope Active { get; } = new ActiveScope();

    /// <summary>The scope of all extents of every disk.</summary>
    public static ResyncScope All { get; } = new FromScope(null, 0);

    /// <summary>Returns the scope of all extents stored as active, and some more.</summary>
    public static ResyncScope ActiveAnd(IReadOnlyList<ExtentRange> more) => new ActiveAndScope(more);

    /// <summary>Returns the scope of all extents of one disk, from an extent.</summary>
    public static ResyncScope From(int disk, int extent) => new FromScope(disk, extent);

    /// <summary>Returns the runs of a disk in the scope that are not marked yet. Under the order lock.</summary>
    public ExtentRun[] Missing(VolumeDisk disk)
    {
        var (map, runs) = (disk.Map, new List<ExtentRun>());
        var dirty = map[ExtentMark.Dirty].Words;
        for (var i = 0; i < dirty.Length; i++)
        {
            for (var word = Wanted(disk.Index, map, i) & ~dirty[i]; word != 0; word &= word - 1)
            {
                var extent = (i << 6) + BitOperations.TrailingZeroCount(word);
                if (runs.Count > 0 && runs[^1].Last == extent - 1)
                {
                    runs[^1] = new ExtentRun(runs[^1].First, extent);
                }
                else
                {
                    runs.Add(new ExtentRun(extent, extent));
                }
            }
        }

        return [.. runs];
    }

    /// <summary>Returns 64 extents of a disk as bits.</summary>
    protected abstract ulong Wanted(int disk, ChangeMap map, int word);

    private sealed class NoneScope : ResyncScope
    {
        protected override ulong Wanted(int disk, ChangeMap map, int word) => 0;
    }

    private sealed class ActiveScope : ResyncScope
    {
        protected override ulong Wanted(int disk, ChangeMap map, int word) => map[ExtentMark.Active].Words[word];
    }

    private sealed class ActiveAndScope(IReadOnlyList<ExtentRange> more) : ResyncScope
    {
        protected override ulong Wanted(int disk, ChangeMap map, int word)
        {
            var wanted = map.Stored(ExtentMark.Active).Words[word];
            var (first, count) = (word << 6, map[ExtentMark.Dirty].Count);
            foreach (var range in more)
            {
                if (range.Disk == disk && range.First < first + 64 && range.Last >= first)
                {
                    var last = Math.Min(Math.Min(range.Last, first + 63), count - 1);
                    for (var extent = Math.Max(range.First, first); extent <= last; extent++)
                    {
                        wanted |= 1UL << (extent - first);
                    }
                }
            }

            return wanted;
        }
    }

    private sealed class FromScope(int? only, int extent) : ResyncScope
    {
        protected override ulong Wanted(int disk, ChangeMap map, int word)
        {
            if (only is { } wanted && wanted != disk)
            {
                return 0;
            }

            var (first, behind) = (word << 6, map[ExtentMark.Dirty].Count - (word << 6));
            var bits = behind >= 64 ? ulong.MaxValue : (1UL << behind) - 1;
            return extent <= first ? bits : extent - first >= 64 ? 0 : bits & (ulong.MaxValue << (extent - first));
        }
    }
}

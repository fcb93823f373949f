using ReplicationEngine.DataPlane.ReplicaStore.Views;

namespace ReplicationEngine.DataPlane.ReplicaStore.InPlace;

/// <summary>
/// The ranges whose old content differed from what replaced it, in pieces of 4 KiB, joined where they touch. Bounded: when
/// there are more than the state file can hold, the two with the smallest gap between them are joined, so that the list
/// always covers everything.
/// </summary>
internal sealed class OverwrittenRanges(int most)
{
    private readonly SortedList<(int Disk, long Offset), long> _ranges = [];

    public IReadOnlyList<DiskRange> Ranges => [.. _ranges.Select(r => new DiskRange(r.Key.Disk, r.Key.Offset, r.Value))];

    public void Add(in DiskRange range)
    {
        var (disk, start, end) = (range.Disk, range.Offset, range.Offset + range.Length);
        var at = FirstAtOrAfter((disk, start));
        if (at > 0 && Touches(at - 1, disk, start))
        {
            at--;
            start = Math.Min(start, _ranges.Keys[at].Offset);
        }

        while (at < _ranges.Count && _ranges.Keys[at].Disk == disk && _ranges.Keys[at].Offset <= end)
        {
            start = Math.Min(start, _ranges.Keys[at].Offset);
            end = Math.Max(end, _ranges.Keys[at].Offset + _ranges.Values[at]);
            _ranges.RemoveAt(at);
        }

        _ranges.Add((disk, start), end - start);
        if (_ranges.Count > most)
        {
            JoinNearest();
        }
    }

    private bool Touches(int index, int disk, long offset) =>
        _ranges.Keys[index].Disk == disk && _ranges.Keys[index].Offset + _ranges.Values[index] >= offset;

    private int FirstAtOrAfter((int Disk, long Offset) key)
    {
        var (low, high) = (0, _ranges.Count);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (_ranges.Keys[middle].CompareTo(key) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private void JoinNearest()
    {
        var (best, gap) = (-1, long.MaxValue);
        for (var i = 1; i < _ranges.Count; i++)
        {
            var (left, right) = (_ranges.Keys[i - 1], _ranges.Keys[i]);
            var between = right.Offset - left.Offset - _ranges.Values[i - 1];
            if (left.Disk == right.Disk && between < gap)
            {
                (best, gap) = (i, between);
            }
        }

        if (best > 0)
        {
            var (key, end) = (_ranges.Keys[best - 1], _ranges.Keys[best].Offset + _ranges.Values[best]);
            _ranges.RemoveAt(best);
            _ranges[key] = end - key.Offset;
        }
    }
}

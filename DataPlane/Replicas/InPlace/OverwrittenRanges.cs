using ReplicationEngine.DataPlane.Replicas.Views;

namespace ReplicationEngine.DataPlane.Replicas.InPlace;

/// <summary>
/// The ranges whose old content differed from the new one, in pieces of 4 KiB; adjacent ranges are joined. Bounded: if
/// there are more than the state file can hold, the pieces become coarser, so that the list always covers everything.
/// </summary>
internal sealed class OverwrittenRanges(int most)
{
    private readonly SortedList<(int Disk, long Offset), long> _ranges = [];
    private long _grain = 4096;

    public IReadOnlyList<DiskRange> Ranges =>
        [.. _ranges.Select(r => new DiskRange(r.Key.Disk, r.Key.Offset, r.Value))];

    public void Add(in DiskRange range)
    {
        var (disk, start, end) = (range.Disk, range.Offset / _grain * _grain, range.Offset + range.Length);
        end = _grain == 4096 ? end : (end + _grain - 1) / _grain * _grain;
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
            Coarsen();
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

    /// <summary>Rounds every range to four times the grain, which reduces their number.</summary>
    private void Coarsen()
    {
        _grain *= 4;
        var all = Ranges;
        _ranges.Clear();
        foreach (var range in all)
        {
            Add(range);
        }
    }
}

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The bytes of a disk that were already handled: ranges that neither touch nor overlap, in order.</summary>
internal sealed class CoveredRanges
{
    private readonly SortedSet<(long Start, long End)> _ranges = [];

    /// <summary>Adds a range; returns its parts that were not covered before, in order.</summary>
    public List<(long Start, long End)> Cover(long start, long end)
    {
        var fresh = new List<(long Start, long End)>();
        var (low, high, at) = (start, end, start);
        var first = _ranges.GetViewBetween((long.MinValue, 0), (start, long.MaxValue)).Max;
        var from = first.End >= start ? first.Start : start;
        foreach (var range in _ranges.GetViewBetween((from, 0), (end, long.MaxValue)).ToArray())
        {
            if (range.Start > at)
            {
                fresh.Add((at, range.Start));
            }

            at = Math.Max(at, range.End);
            (low, high) = (Math.Min(low, range.Start), Math.Max(high, range.End));
            _ranges.Remove(range);
        }

        if (at < end)
        {
            fresh.Add((at, end));
        }

        _ranges.Add((low, high));
        return fresh;
    }
}

using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Replicas.Applying;

/// <summary>
/// The extents that a replica changed since each of its newest durable positions. In memory only: for a position from
/// before the store was opened, or one that is too old, the result is unknown.
/// </summary>
/// <remarks>
/// Each sync ends an epoch. An extent stores the epoch of its latest change; a durable position stores the epoch that
/// ended with it. So "changed since" compares two numbers per extent, whatever happened in between, and a record that
/// was applied but not synced counts as changed. Four bytes per extent of 4 MiB. Not safe for several threads; the
/// store's session lock guards it.
/// </remarks>
internal sealed class RecentChanges(int disks)
{
    /// <summary>
    /// The number of positions kept: at five syncs a second, about a quarter of an hour of steady writing.
    /// </summary>
    private const int Kept = 4096;

    private readonly int[][] _changedIn = [.. Enumerable.Range(0, disks).Select(_ => Array.Empty<int>())];
    private readonly Dictionary<MarkedPosition, int> _epochOf = [];
    private readonly Queue<MarkedPosition> _order = new();
    private int _epoch = 1;

    /// <summary>Records that a change is applied.</summary>
    public void Changed(in ChangeHeader header)
    {
        if (header.Length <= 0 || header.Disk >= _changedIn.Length)
        {
            return;
        }

        var last = (int)((header.Offset + header.Length - 1) / DirtyExtent.Size);
        ref var extents = ref _changedIn[header.Disk];
        if (last >= extents.Length)
        {
            Array.Resize(ref extents, Math.Max(last + 1, extents.Length * 2));
        }

        extents.AsSpan((int)(header.Offset / DirtyExtent.Size)..(last + 1)).Fill(_epoch);
    }

    /// <summary>Records that all applied changes are durable at this position.</summary>
    public void Synced(MarkedPosition durable)
    {
        if (!durable.Mark.IsKnown)
        {
            return;
        }

        if (!_epochOf.ContainsKey(durable))
        {
            _order.Enqueue(durable);
            if (_order.Count > Kept)
            {
                _epochOf.Remove(_order.Dequeue());
            }
        }

        // A position that is reached again without a new number (blocks of a resync have none) keeps its first epoch.
        _epochOf.TryAdd(durable, _epoch);
        _epoch++;
    }

    /// <summary>Forgets all changes, because the content was replaced by other means than the stream.</summary>
    public void Forget()
    {
        _epochOf.Clear();
        _order.Clear();
    }

    /// <summary>
    /// Returns the extents changed since a durable position of the replica; null if they are unknown.
    /// </summary>
    public IReadOnlyList<ExtentRange>? Since(MarkedPosition floor)
    {
        if (!floor.Mark.IsKnown || !_epochOf.TryGetValue(floor, out var epoch))
        {
            return null;
        }

        var ranges = new List<ExtentRange>();
        for (var disk = 0; disk < _changedIn.Length; disk++)
        {
            var extents = _changedIn[disk];
            for (var i = 0; i < extents.Length; i++)
            {
                if (extents[i] <= epoch)
                {
                    continue;
                }

                if (ranges.Count > 0 && ranges[^1].Disk == disk && ranges[^1].Last == i - 1)
                {
                    ranges[^1] = ranges[^1] with { Last = i };
                }
                else
                {
                    ranges.Add(new ExtentRange(disk, i, i));
                }
            }
        }

        return ranges;
    }
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>A batch of changes to one disk in progress; reused, so that a write allocates nothing.</summary>
public sealed class WriteTicket
{
    private BlockChange[] _changes = [];
    private ExtentRun[] _runs = [];
    private long _low;
    private long _high;

    /// <summary>The index of the disk.</summary>
    public int Disk { get; private set; }

    /// <summary>The changes without empty ones, and without their FUA flags.</summary>
    public ReadOnlySpan<BlockChange> Changes => _changes.AsSpan(0, Count);

    /// <summary>The extents of each change.</summary>
    internal ReadOnlySpan<ExtentRun> Runs => _runs.AsSpan(0, Count);

    /// <summary>The number of changes.</summary>
    public int Count { get; private set; }

    /// <summary>Whether a change of the batch must be durable on return.</summary>
    public bool ForceUnitAccess { get; private set; }

    /// <summary>The encoded records of the batch.</summary>
    internal RecordBatch Records { get; } = new();

    /// <summary>The first number of the batch.</summary>
    public Lsn First { get; set; }

    /// <summary>The last number of the batch.</summary>
    public Lsn Last { get; set; }

    /// <summary>Whether the batch is on the disk, or failed. Under the order lock.</summary>
    public bool Done { get; set; }

    /// <summary>The batch that got its numbers next. Under the order lock.</summary>
    public WriteTicket? Next { get; set; }

    /// <summary>Loads the changes of a batch.</summary>
    public void Load(int disk, ReadOnlySpan<BlockChange> changes)
    {
        if (_changes.Length < changes.Length)
        {
            _changes = new BlockChange[changes.Length];
            _runs = new ExtentRun[changes.Length];
        }

        Disk = disk;
        (Count, ForceUnitAccess, Done, Next) = (0, false, false, null);
        (_low, _high) = (long.MaxValue, 0);
        foreach (ref readonly var change in changes)
        {
            ForceUnitAccess |= change.ForceUnitAccess;
            if (change.Length == 0)
            {
                continue;
            }

            _runs[Count] = ChangeMap.RunOf(change.Offset, change.Length);
            _changes[Count++] = change.ForceUnitAccess ? change with { ForceUnitAccess = false } : change;
            _low = Math.Min(_low, change.Offset);
            _high = Math.Max(_high, change.Offset + change.Length);
        }
    }

    /// <summary>Encodes the changes for the log, once.</summary>
    public void Encode()
    {
        if (Records.Count == 0)
        {
            foreach (ref readonly var change in Changes)
            {
                Records.Add(change);
            }
        }
    }

    /// <summary>Releases the references to the caller's memory.</summary>
    public void Clear()
    {
        Array.Clear(_changes, 0, Count);
        Count = 0;
        Records.Clear();
    }

    /// <summary>Returns whether the two batches change a common byte.</summary>
    public bool Overlaps(WriteTicket other)
    {
        if (Disk != other.Disk || _low >= other._high || other._low >= _high)
        {
            return false;
        }

        foreach (ref readonly var mine in Changes)
        {
            if (mine.Offset >= other._high || mine.Offset + mine.Length <= other._low)
            {
                continue;
            }

            foreach (ref readonly var its in other.Changes)
            {
                if (mine.Offset < its.Offset + its.Length && its.Offset < mine.Offset + mine.Length)
                {
                    return true;
                }
            }
        }

        return false;
    }
}

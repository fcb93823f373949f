using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// One file of the log with a sparse index over its records. Written by one writer; <see cref="Used"/> is published after
/// the bytes below it are in the file, so a reader beside the writer sees whole records only.
/// </summary>
internal sealed class LogSegment(IStorageFile file, string name, LogSegmentHeader header, int disks, long stride) : IDisposable
{
    private readonly List<IndexEntry> _index = [];
    private readonly long[] _diskBytes = new long[disks];
    private long _used = LogSegmentHeader.Size;
    private long _lastLsn = header.FirstLsn.Value - 1;

    /// <summary>The file.</summary>
    public IStorageFile File => file;

    /// <summary>The file's name in the directory.</summary>
    public string Name => name;

    /// <summary>The head.</summary>
    public LogSegmentHeader Header => header;

    /// <summary>The bytes from the file's start that hold head and whole records.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>The last record's place in the order (before the first one when there is none).</summary>
    public ChangePosition Last => new(header.Generation, new Lsn(Volatile.Read(ref _lastLsn)));

    /// <summary>The place right before the first record.</summary>
    public ChangePosition Before => new(header.Generation, new Lsn(header.FirstLsn.Value - 1));

    /// <summary>The VM's number of disks.</summary>
    public int Disks => disks;

    /// <summary>Whether all its records are durable on this machine.</summary>
    public bool Synced { get; set; }

    /// <summary>Publishes records that stand in the file behind <see cref="Used"/>.</summary>
    public void Publish(int disk, Lsn first, Lsn last, long bytes)
    {
        lock (_index)
        {
            if (_index.Count == 0 || _used - _index[^1].Offset >= stride)
            {
                _index.Add(new IndexEntry(first.Value, _used, [.. _diskBytes]));
            }

            _diskBytes[disk] += bytes;
            Synced = false;
            Volatile.Write(ref _lastLsn, last.Value);
            Volatile.Write(ref _used, _used + bytes);
        }
    }

    /// <summary>A place at or before the record that follows an LSN, from which records can be read one after another.</summary>
    public long SeekOffset(Lsn after) => Find(after)?.Offset ?? LogSegmentHeader.Size;

    /// <summary>The bytes one disk's records take from about (at or before) the record that follows an LSN.</summary>
    public long DiskBytesAfter(int disk, Lsn after)
    {
        lock (_index)
        {
            return after.Value >= _lastLsn ? 0 : _diskBytes[disk] - (Find(after)?.DiskBytes[disk] ?? 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    private IndexEntry? Find(Lsn after)
    {
        lock (_index)
        {
            var (low, high) = (0, _index.Count);
            while (low < high)
            {
                var middle = (low + high) / 2;
                (low, high) = _index[middle].FirstLsn <= after.Value + 1 ? (middle + 1, high) : (low, middle);
            }

            return low == 0 ? null : _index[low - 1];
        }
    }

    private sealed record IndexEntry(long FirstLsn, long Offset, long[] DiskBytes);
}

using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// One file of the log with a sparse index over its records. Written by one writer; <see cref="Used"/> is published
/// after the bytes below it are in the file, so a reader next to the writer sees whole records only.
/// </summary>
internal sealed class LogSegment(
    IStorageFile file, string name, LogSegmentHeader header, int disks, long stride) : IDisposable
{
    private const int Stops = 256;
    private readonly List<(long FirstLsn, long Offset)> _index = new(Stops);

    /// <summary>The bytes of each disk before each stop of the index, one stop after another.</summary>
    private readonly List<long> _bytesBefore = new(Stops * disks);
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

    /// <summary>The bytes of the records that change a disk.</summary>
    public long Written
    {
        get
        {
            lock (_index)
            {
                return _diskBytes.Sum();
            }
        }
    }

    /// <summary>Publishes records that stand in the file behind <see cref="Used"/>.</summary>
    /// <param name="disk">The disk that they change; null for markers and the starts of generations.</param>
    /// <param name="first">The first one's number.</param>
    /// <param name="last">The last one's number.</param>
    /// <param name="bytes">What they take in the file.</param>
    public void Publish(int? disk, Lsn first, Lsn last, long bytes)
    {
        lock (_index)
        {
            if (_index.Count == 0 || _used - _index[^1].Offset >= stride)
            {
                _index.Add((first.Value, _used));
                _bytesBefore.AddRange(_diskBytes);
            }

            if (disk is { } changed)
            {
                _diskBytes[changed] += bytes;
            }

            Synced = false;
            Volatile.Write(ref _lastLsn, last.Value);
            Volatile.Write(ref _used, _used + bytes);
        }
    }

    /// <summary>
    /// A place at or before the record that follows an LSN, from which records can be read one after another.
    /// </summary>
    public long SeekOffset(Lsn after)
    {
        lock (_index)
        {
            return Find(after) is var stop and >= 0 ? _index[stop].Offset : LogSegmentHeader.Size;
        }
    }

    /// <summary>As <see cref="SeekOffset"/>, with the bytes of the records before it that change a disk.</summary>
    public (long Offset, long Written) SeekWritten(Lsn after)
    {
        lock (_index)
        {
            return Find(after) is var stop and >= 0
                ? (_index[stop].Offset, _bytesBefore.Skip(stop * disks).Take(disks).Sum())
                : (LogSegmentHeader.Size, 0);
        }
    }

    /// <summary>The bytes one disk's records take from about (at or before) the record that follows an LSN.</summary>
    public long DiskBytesAfter(int disk, Lsn after)
    {
        lock (_index)
        {
            var before = Find(after) is var stop and >= 0 ? _bytesBefore[(stop * disks) + disk] : 0;
            return after.Value >= _lastLsn ? 0 : _diskBytes[disk] - before;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => file.Dispose();

    /// <summary>
    /// The last stop at or before the record that follows an LSN; -1 when there is none. Under the lock.
    /// </summary>
    private int Find(Lsn after)
    {
        var (low, high) = (0, _index.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            (low, high) = _index[middle].FirstLsn <= after.Value + 1 ? (middle + 1, high) : (low, middle);
        }

        return low - 1;
    }
}

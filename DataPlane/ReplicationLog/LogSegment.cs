using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// A file of the log with a sparse index over its records. Written by one writer; <see cref="Used"/> is published after
/// the bytes below it are in the file, so a concurrent reader sees whole records only.
/// </summary>
internal sealed class LogSegment(
    IStorageFile file, string name, LogSegmentHeader header, int disks, long stride) : IDisposable
{
    private const int Stops = 256;
    private readonly List<(long FirstLsn, long Offset)> _index = new(Stops);

    /// <summary>The bytes of each disk before each stop of the index, in the order of the stops.</summary>
    private readonly List<long> _bytesBefore = new(Stops * disks);
    private readonly long[] _diskBytes = new long[disks];
    private long _used = LogSegmentHeader.Size;
    private long _lastLsn = header.FirstLsn.Value - 1;

    /// <summary>The segment's file.</summary>
    public IStorageFile File => file;

    /// <summary>The file's name in the directory.</summary>
    public string Name => name;

    /// <summary>The header of the segment.</summary>
    public LogSegmentHeader Header => header;

    /// <summary>The number of bytes from the file's start that hold head and whole records.</summary>
    public long Used => Volatile.Read(ref _used);

    /// <summary>The position of the last record (before the first one if there is none).</summary>
    public ChangePosition Last => new(header.Generation, new Lsn(Volatile.Read(ref _lastLsn)));

    /// <summary>The position directly before the first record.</summary>
    public ChangePosition Before => new(header.Generation, new Lsn(header.FirstLsn.Value - 1));

    /// <summary>The number of the VM's disks.</summary>
    public int Disks => disks;

    /// <summary>Whether all records of the segment are durable on this machine.</summary>
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

    /// <summary>Publishes records that were written to the file behind <see cref="Used"/>.</summary>
    /// <param name="disk">The index of the disk that they change; null for markers and generation starts.</param>
    /// <param name="first">The number of the first record.</param>
    /// <param name="last">The number of the last record.</param>
    /// <param name="bytes">The size of the records in the file.</param>
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
    /// Returns an offset at or before the record that follows an LSN, from which records can be read in sequence.
    /// </summary>
    public long SeekOffset(Lsn after)
    {
        lock (_index)
        {
            return Find(after) is var stop and >= 0 ? _index[stop].Offset : LogSegmentHeader.Size;
        }
    }

    /// <summary>
    /// Returns an offset like <see cref="SeekOffset"/>, and the bytes of the records before it that change a disk.
    /// </summary>
    public (long Offset, long Written) SeekWritten(Lsn after)
    {
        lock (_index)
        {
            return Find(after) is var stop and >= 0
                ? (_index[stop].Offset, _bytesBefore.Skip(stop * disks).Take(disks).Sum())
                : (LogSegmentHeader.Size, 0);
        }
    }

    /// <summary>
    /// Returns the bytes of one disk's records from about (at or before) the record that follows an LSN.
    /// </summary>
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
    /// Finds the last stop at or before the record that follows an LSN; -1 if there is none. Requires the lock.
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

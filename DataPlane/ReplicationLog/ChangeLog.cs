using System.Globalization;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// The replication log of one VM: change records in segment files. One writer at a time appends (the holder of the
/// volume's order lock), one sending session reads concurrently, and segments are freed from the front as the replica
/// acknowledges.
/// </summary>
/// <remarks>
/// <para>The log is not synced while it is written: the activity map covers the records that a power failure may lose
/// (I2). After the death of the process alone the page cache still holds every write that returned.</para>
/// <para>The page cache is also the reader's memory: a read near the tail copies from it without touching the disk and
/// without any lock that the guest's writes take, so this process holds no second copy of the tail.</para>
/// <para>Freed segments are reused, up to <see cref="MaxSpares"/>: writing over cached pages is two to three times as
/// fast as filling new ones. A file is renamed to a spare name before it is reused and gets its new head before it gets
/// its new name, so a file with a log name always has the matching head.</para>
/// <para>Locks, from outer to inner: the volume's order lock, or <c>_reading</c>; then <c>_gate</c>.</para>
/// </remarks>
internal sealed class ChangeLog : IDisposable
{
    /// <summary>The prefix of segment names.</summary>
    public const string Prefix = "log-";

    private const string SparePrefix = "spare-";
    private const string NextName = SparePrefix + "next";
    private const int MaxSpares = 2;

    private readonly Lock _gate = new();
    private readonly Lock _reading = new();
    private readonly IStorageDirectory _directory;
    private readonly LogOptions _options;
    private readonly List<LogSegment> _segments = [];
    private readonly Stack<string> _spares = new();
    private readonly LogCursor _cursor;
    private readonly LogCursor _probe;
    private readonly byte[] _head = new byte[LogSegmentHeader.Size + RecordBatch.EndMark];
    private LogSegment? _current;
    private long _highestSequence;
    private long _retained;
    private int _spareCount;
    private bool _opensGeneration;
    private MarkedPosition _last;

    /// <summary>Creates the log from the sound part of a scan, and deletes the rest.</summary>
    public ChangeLog(IStorageDirectory directory, LogOptions options, LogScan scan)
    {
        _directory = directory;
        _options = options;
        _cursor = new LogCursor(this);
        _probe = new LogCursor(this);
        _segments.AddRange(scan.Chain);
        _retained = _segments.Sum(s => s.Used);
        _highestSequence = scan.HighestSequence;
        Generation = scan.Tail.Generation;
        _last = scan.Chain.Count > 0 ? scan.Last : options.LastKnown;
        var spares = directory.List().Where(n => n.StartsWith(SparePrefix, StringComparison.Ordinal));
        foreach (var name in scan.Strays.Concat(spares))
        {
            directory.Delete(name);
        }
    }

    /// <summary>The generation of appended records.</summary>
    public Generation Generation { get; private set; }

    /// <summary>The position of the newest record, even if it was freed. Read under the order lock.</summary>
    public MarkedPosition Last => _last;

    /// <summary>The size in bytes of the segments with records that are not freed yet.</summary>
    public long RetainedBytes => Interlocked.Read(ref _retained);

    /// <summary>Returns the name of a segment.</summary>
    public static string NameOf(long sequence) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{sequence:D19}");

    /// <summary>
    /// Returns whether the log can take so many more bytes within its limit. Called under the order lock.
    /// </summary>
    public bool HasRoomFor(long bytes)
    {
        while (RetainedBytes + bytes + (Volatile.Read(ref _spareCount) * _options.SegmentBytes) > _options.LimitBytes)
        {
            if (TakeSpare() is not { } spare)
            {
                return false;
            }

            _directory.Delete(spare);
        }

        return true;
    }

    /// <summary>
    /// Starts a generation with the next record, in a segment of its own. Called under the order lock.
    /// </summary>
    public void BeginGeneration(Generation generation)
    {
        Seal();
        Generation = generation;
        _opensGeneration = true;
    }

    /// <summary>Makes the next record start a new segment. Called under the order lock.</summary>
    public void Seal()
    {
        lock (_gate)
        {
            _current = null;
        }
    }

    /// <summary>Appends sealed records. Called under the order lock.</summary>
    /// <param name="batch">The sealed records.</param>
    /// <param name="disk">The index of the disk that they change; null for markers and generation starts.</param>
    /// <param name="first">The number of the first record.</param>
    /// <param name="last">The number of the last record.</param>
    /// <exception cref="StorageException">
    /// None of the records is in the log. The log accepts records again after <see cref="Seal"/>.
    /// </exception>
    public void Append(RecordBatch batch, int? disk, Lsn first, Lsn last)
    {
        var segment = _current;
        if (segment is null
            || (segment.Used + batch.Bytes > _options.SegmentBytes && segment.Used > LogSegmentHeader.Size))
        {
            segment = Roll(first);
        }

        try
        {
            batch.WriteTo(segment.File, segment.Used, segment.Header.Reused);
        }
        catch (StorageException)
        {
            Discard(segment);
            throw;
        }

        segment.Publish(disk, first, last, batch.Bytes);
        _last = batch.Last;
        Interlocked.Add(ref _retained, batch.Bytes);
    }

    /// <summary>
    /// Returns the mark of the record at a position, as long as the log holds the record or the one after it; unknown
    /// otherwise, or if a record is damaged. Must not be called under the order lock.
    /// </summary>
    public HistoryMark MarkAt(ChangePosition place)
    {
        lock (_reading)
        {
            LogSegment? holder;
            lock (_gate)
            {
                if (_segments.Find(s => s.Header.Previous.Position == place) is { } next)
                {
                    return next.Header.Previous.Mark;
                }

                holder = _segments.Find(s =>
                    s.Header.Generation == place.Generation && s.Before.CompareTo(place) < 0
                    && s.Last.CompareTo(place) >= 0);
            }

            return holder is null ? default : MarkIn(holder, place.Lsn);
        }
    }

    /// <summary>
    /// Returns whether the stream can continue behind a position: the next record follows it, or starts a generation.
    /// </summary>
    public bool CanFollow(ChangePosition after)
    {
        lock (_gate)
        {
            var next = _segments.Find(s => s.Last.CompareTo(after) > 0);
            return next is null
                || (next.Header.Generation == after.Generation && next.Header.FirstLsn.Value <= after.Lsn.Value + 1)
                || next.Header is { OpensGeneration: true } && next.Header.Generation.Value > after.Generation.Value;
        }
    }

    /// <summary>Copies whole records behind a position; see <see cref="IChangeSource.ReadLog"/>.</summary>
    /// <exception cref="ReplicationLogCorruptException">A record is damaged or missing.</exception>
    public int Read(ref ChangePosition after, System.Buffers.ArrayBufferWriter<byte> target, int maxBytes)
    {
        lock (_reading)
        {
            return _cursor.Read(ref after, target, maxBytes);
        }
    }

    /// <summary>
    /// Returns the time at which the first change behind a position was accepted; null if there is none.
    /// </summary>
    public DateTimeOffset? TimeAfter(ChangePosition after)
    {
        lock (_reading)
        {
            return _probe.PeekTime(after);
        }
    }

    /// <summary>
    /// Returns the bytes of records behind a position, of one disk or (if negative) of all; too many by at most an
    /// index stride.
    /// </summary>
    public long BytesAfter(ChangePosition after, int disk = -1)
    {
        var bytes = 0L;
        lock (_gate)
        {
            foreach (var segment in _segments.Where(s => s.Last.CompareTo(after) > 0))
            {
                var from = after.Generation == segment.Header.Generation ? after.Lsn : segment.Before.Lsn;
                bytes += disk >= 0 ? segment.DiskBytesAfter(disk, from) : segment.Used - segment.SeekOffset(from);
            }
        }

        return bytes;
    }

    /// <summary>
    /// Returns the exact number of bytes of records behind a position that change a disk; zero if nothing was written
    /// since.
    /// </summary>
    /// <exception cref="ReplicationLogCorruptException">A record is missing where one must start.</exception>
    public long WrittenAfter(ChangePosition after)
    {
        lock (_reading)
        {
            LogSegment[] behind;
            lock (_gate)
            {
                behind = [.. _segments.Where(s => s.Last.CompareTo(after) > 0)];
            }

            return behind.Sum(s => s.Written - _probe.WrittenUpTo(s, after));
        }
    }

    /// <summary>
    /// Frees the segments that hold nothing behind a position, except the newest, which determines the log's end.
    /// Changes that are not completed are kept, because the replica has them and the disk may not: a redo needs them if
    /// the process dies (I3).
    /// </summary>
    /// <param name="durable">The position up to which the replica holds everything.</param>
    /// <param name="completed">
    /// The number up to which all changes are on the source's disks. Later ones are kept, because only the log can
    /// restore them after the death of the process.
    /// </param>
    public void DropThrough(ChangePosition durable, Lsn completed) =>
        Drop(s => s.Last.CompareTo(durable) <= 0 && s.Last.Lsn.Value <= completed.Value, keep: 1);

    /// <summary>Frees every segment except the one being written.</summary>
    public void DropSealed() => Drop(_ => true, keep: 0);

    /// <summary>Makes the log durable, names included.</summary>
    public void Sync()
    {
        LogSegment[] unsynced;
        lock (_gate)
        {
            unsynced = [.. _segments.Where(s => !s.Synced)];
        }

        foreach (var segment in unsynced)
        {
            segment.File.Sync();
            segment.Synced = true;
        }

        _directory.Sync();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_reading)
        {
            lock (_gate)
            {
                _segments.ForEach(s => s.Dispose());
            }
        }
    }

    /// <summary>
    /// Returns the segment that holds or will hold the first record behind a position; null if there is none.
    /// </summary>
    internal LogSegment? SegmentAfter(ChangePosition after)
    {
        lock (_gate)
        {
            return _segments.Find(s => s.Last.CompareTo(after) > 0);
        }
    }

    /// <summary>Returns the segment after a given one; null if it is the newest or was freed.</summary>
    internal LogSegment? Following(LogSegment segment)
    {
        lock (_gate)
        {
            var at = _segments.IndexOf(segment);
            return at >= 0 && at + 1 < _segments.Count ? _segments[at + 1] : null;
        }
    }

    private static HistoryMark MarkIn(LogSegment segment, Lsn lsn)
    {
        var reader = new RecordReader(64 << 10);
        for (var offset = segment.SeekOffset(new Lsn(lsn.Value - 1)); offset < segment.Used;)
        {
            if (reader.ReadHead(segment.File, offset, segment.Used, out var header) != RecordFound.Head
                || header.Lsn.Value > lsn.Value)
            {
                return default;
            }

            if (header.Lsn == lsn)
            {
                return HistoryMark.Of(header);
            }

            offset += header.EncodedLength;
        }

        return default;
    }

    private void Drop(Predicate<LogSegment> mayGo, int keep)
    {
        var dropped = new List<LogSegment>();
        lock (_gate)
        {
            while (_segments.Count > keep && _segments[0] != _current && mayGo(_segments[0]))
            {
                dropped.Add(_segments[0]);
                Interlocked.Add(ref _retained, -_segments[0].Used);
                _segments.RemoveAt(0);
            }
        }

        if (dropped.Count == 0)
        {
            return;
        }

        lock (_reading)
        {
            _cursor.Forget();
            _probe.Forget();
            dropped.ForEach(Retire);
        }
    }

    /// <summary>Deletes a segment that got no record, so that the chain has no empty one.</summary>
    private void Discard(LogSegment segment)
    {
        if (segment.Used > LogSegmentHeader.Size)
        {
            return;
        }

        lock (_gate)
        {
            _segments.Remove(segment);
            _current = null;
        }

        _opensGeneration = segment.Header.OpensGeneration;
        Interlocked.Add(ref _retained, -segment.Used);
        _directory.Delete(segment.Name);
        lock (_reading)
        {
            _cursor.Forget();
            _probe.Forget();
            segment.Dispose();
        }
    }

    private void Retire(LogSegment segment)
    {
        segment.Dispose();
        if (_spareCount >= MaxSpares
            || RetainedBytes + ((_spareCount + 1) * _options.SegmentBytes) > _options.LimitBytes)
        {
            _directory.Delete(segment.Name);
            return;
        }

        var name = SparePrefix + segment.Header.Sequence.ToString(CultureInfo.InvariantCulture);
        _directory.Rename(segment.Name, name);
        lock (_gate)
        {
            _spares.Push(name);
            _spareCount = _spares.Count;
        }
    }

    private string? TakeSpare()
    {
        lock (_gate)
        {
            _ = _spares.TryPop(out var spare);
            _spareCount = _spares.Count;
            return spare;
        }
    }

    private LogSegment Roll(Lsn first)
    {
        var spare = TakeSpare();
        LogSegment? previous;
        lock (_gate)
        {
            previous = _segments.Count > 0 ? _segments[^1] : null;
        }

        var header = new LogSegmentHeader
        {
            Vm = _options.Vm,
            Sequence = _highestSequence + 1,
            Generation = Generation,
            FirstLsn = first,
            PreviousSequence = previous?.Header.Sequence ?? 0,
            PreviousEnd = previous?.Used ?? 0,
            Previous = _last,
            Reused = spare is not null,
            OpensGeneration = _opensGeneration,
        };
        var segment = Create(header, spare);
        lock (_gate)
        {
            _segments.Add(segment);
            _current = segment;
        }

        Interlocked.Add(ref _retained, segment.Used);

        _highestSequence = header.Sequence;
        _opensGeneration = false;
        return segment;
    }

    private LogSegment Create(LogSegmentHeader header, string? spare)
    {
        var name = NameOf(header.Sequence);
        var file = _directory.Open(spare ?? NextName, spare is null ? StorageOpen.Any : StorageOpen.Existing);
        try
        {
            if (spare is null)
            {
                file.SetLength(0);
            }

            _head.AsSpan().Clear();
            header.Write(_head);
            file.Write(0, _head.AsSpan(0, spare is null ? LogSegmentHeader.Size : _head.Length));
            _directory.Rename(spare ?? NextName, name);
        }
        catch (StorageException)
        {
            file.Dispose();
            throw;
        }

        return new LogSegment(file, name, header, _options.Disks, _options.SegmentBytes / 256);
    }
}

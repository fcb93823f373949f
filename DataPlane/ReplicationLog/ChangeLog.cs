using System.Globalization;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// The replication log of one VM: change records in segment files, appended by one writer at a time (the holder of the
/// volume's order lock), read by one sending session next to it, freed from the front as the replica acknowledges.
/// </summary>
/// <remarks>
/// <para>Nothing here is synced while the log is written: the activity map covers what a power cut may take (I2). After
/// the death of the process alone the page cache still holds every write that returned.</para>
/// <para>The page cache is also the reader's memory: a read near the tail copies from it without touching the disk and
/// without any lock the guest's writes take, so there is no second copy of the tail in this process.</para>
/// <para>Segments that were freed are used again, up to <see cref="MaxSpares"/>: writing over cached pages is two to
/// three times as fast as filling new ones. A file is renamed to a spare name before it is reused and gets its new head
/// before it gets its new name, so a file with a log name always has the head that belongs to it.</para>
/// <para>Locks, from outer to inner: the volume's order lock, or <c>_reading</c>; then <c>_gate</c>.</para>
/// </remarks>
internal sealed class ChangeLog : IDisposable
{
    /// <summary>What the names of segments begin with.</summary>
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

    /// <summary>Takes over the sound part of what was found, deleting the rest.</summary>
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

    /// <summary>The generation of records that are appended.</summary>
    public Generation Generation { get; private set; }

    /// <summary>The newest record, also when it was freed. Read under the order lock.</summary>
    public MarkedPosition Last => _last;

    /// <summary>The bytes of the segments that hold records not yet freed.</summary>
    public long RetainedBytes => Interlocked.Read(ref _retained);

    /// <summary>The name of a segment.</summary>
    public static string NameOf(long sequence) =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{sequence:D19}");

    /// <summary>Whether so many more bytes keep the log inside its limit. Called under the order lock.</summary>
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

    /// <summary>The next record opens a generation, in a segment of its own. Called under the order lock.</summary>
    public void BeginGeneration(Generation generation)
    {
        Seal();
        Generation = generation;
        _opensGeneration = true;
    }

    /// <summary>The next record goes into a new segment. Called under the order lock.</summary>
    public void Seal()
    {
        lock (_gate)
        {
            _current = null;
        }
    }

    /// <summary>Appends sealed records. Called under the order lock.</summary>
    /// <param name="batch">The records.</param>
    /// <param name="disk">The disk that they change; null for markers and the starts of generations.</param>
    /// <param name="first">The first one's number.</param>
    /// <param name="last">The last one's number.</param>
    /// <exception cref="StorageException">Nothing of them is in the log; it takes records again after
    /// <see cref="Seal"/>.</exception>
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
    /// The mark of the record at a place, as long as the log holds it, or holds the record that follows it; unknown
    /// otherwise, and where a record is damaged. Not to be called under the order lock.
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
    /// Whether the stream can go on behind a place: the next record there follows it, or opens a generation.
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

    /// <summary>Copies whole records behind a place; see <see cref="IChangeSource.ReadLog"/>.</summary>
    /// <exception cref="ReplicationLogCorruptException">A record is damaged or missing.</exception>
    public int Read(ref ChangePosition after, System.Buffers.ArrayBufferWriter<byte> target, int maxBytes)
    {
        lock (_reading)
        {
            return _cursor.Read(ref after, target, maxBytes);
        }
    }

    /// <summary>When the first change behind a place was accepted; null when there is none.</summary>
    public DateTimeOffset? TimeAfter(ChangePosition after)
    {
        lock (_reading)
        {
            return _probe.PeekTime(after);
        }
    }

    /// <summary>
    /// Bytes of records behind a place, of one disk or (below 0) of all; too many by at most an index stride.
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
    /// Bytes of records behind a place that change a disk, exactly: none when nothing was written since.
    /// </summary>
    /// <exception cref="ReplicationLogCorruptException">No record begins where one must.</exception>
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
    /// Frees the segments that hold nothing behind a place, all but the newest, which says where the log ends. What is
    /// not completed stays, because the replica has it and the disk may not: a redo needs it if the process dies (I3).
    /// </summary>
    /// <param name="durable">The place: the replica holds everything up to it.</param>
    /// <param name="completed">Every change up to it is on the source's disks. What is still on its way there stays,
    /// because the log is all that can bring it there after the death of the process.</param>
    public void DropThrough(ChangePosition durable, Lsn completed) =>
        Drop(s => s.Last.CompareTo(durable) <= 0 && s.Last.Lsn.Value <= completed.Value, keep: 1);

    /// <summary>Frees every segment but the one being written.</summary>
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

    /// <summary>The segment that holds or will hold the first record behind a place; null when there is none.</summary>
    internal LogSegment? SegmentAfter(ChangePosition after)
    {
        lock (_gate)
        {
            return _segments.Find(s => s.Last.CompareTo(after) > 0);
        }
    }

    /// <summary>The segment behind one; null when it is the newest or was freed.</summary>
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

    /// <summary>Takes back a segment that got no record, so that no empty one stands in the chain.</summary>
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

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// Change records to be written to the log, reusable without allocation. <see cref="Add"/> does the costly part
/// (copying and checksumming the data) before the records are ordered; <see cref="Seal"/> then only completes the
/// heads, so that the order lock is held as briefly as possible.
/// </summary>
/// <remarks>
/// A whole batch is one write. Small data is copied behind its head; data of <see cref="DirectSize"/> or more is
/// written from the caller's memory.
/// </remarks>
internal sealed class RecordBatch
{
    /// <summary>
    /// The number of zero bytes behind the last record of a segment whose file held an older segment.
    /// </summary>
    public const int EndMark = 64;

    /// <summary>The data size from which bytes are written from the caller's memory.</summary>
    private const int DirectSize = 32 << 10;

    /// <summary>The buffer size above which a buffer is released after use.</summary>
    private const int KeptSize = 1 << 20;

    private byte[] _buffer = new byte[4096];
    private readonly List<ReadOnlyMemory<byte>> _parts = [];
    private Entry[] _entries = new Entry[4];
    private int _used;

    /// <summary>The number of records.</summary>
    public int Count { get; private set; }

    /// <summary>The size of the encoded records in bytes.</summary>
    public long Bytes { get; private set; }

    /// <summary>The position and mark of the last sealed record.</summary>
    public MarkedPosition Last { get; private set; }

    /// <summary>Removes all records.</summary>
    public void Clear()
    {
        Array.Clear(_entries, 0, Count);
        Count = 0;
        Bytes = 0;
        _used = 0;
        if (_buffer.Length > KeptSize)
        {
            _buffer = new byte[4096];
        }
    }

    /// <summary>Adds one change; data longer than a record may carry becomes several records.</summary>
    public void Add(in BlockChange change)
    {
        if (change.Data.IsEmpty)
        {
            AddRecord(ChangeKind.Zeroes, change.Offset, change.Length, default);
            return;
        }

        for (var at = 0; at < change.Data.Length; at += ChangeRecord.MaxDataLength)
        {
            var part = change.Data.Slice(at, Math.Min(ChangeRecord.MaxDataLength, change.Data.Length - at));
            AddRecord(ChangeKind.Write, change.Offset + at, part.Length, part);
        }
    }

    /// <summary>Adds a marker or a generation start.</summary>
    public void AddControl(ChangeKind kind, ReadOnlyMemory<byte> data) => AddRecord(kind, 0, 0, data);

    /// <summary>
    /// Assigns numbers to the records, starting at <paramref name="first"/>, and completes their heads.
    /// </summary>
    public void Seal(int disk, Generation generation, Lsn first, Lsn completed, DateTimeOffset time)
    {
        for (var i = 0; i < Count; i++)
        {
            ref var entry = ref _entries[i];
            var header = new ChangeHeader(
                entry.Kind, disk, generation, new Lsn(first.Value + i), entry.Offset, entry.Length, completed, time,
                entry.DataLength);
            ChangeRecord.SealHeader(header, _buffer.AsSpan(entry.Head, ChangeRecord.DataOffset(entry.DataLength)));
            if (i == Count - 1)
            {
                Last = new MarkedPosition(new ChangePosition(generation, header.Lsn), HistoryMark.Of(header));
            }
        }
    }

    /// <summary>Writes the sealed records at an offset of a file, followed by an end mark if requested.</summary>
    public void WriteTo(IStorageFile file, long offset, bool endMark)
    {
        Reserve(EndMark);
        _buffer.AsSpan(_used, EndMark).Clear();
        var end = _used + (endMark ? EndMark : 0);
        var start = 0;
        for (var i = 0; i < Count; i++)
        {
            ref var entry = ref _entries[i];
            if (!entry.Direct.IsEmpty)
            {
                var data = entry.Head + ChangeRecord.DataOffset(entry.DataLength);
                _parts.Add(_buffer.AsMemory(start, data - start));
                _parts.Add(entry.Direct);
                start = data;
            }
        }

        if (_parts.Count == 0)
        {
            file.Write(offset, _buffer.AsSpan(0, end));
            return;
        }

        try
        {
            _parts.Add(_buffer.AsMemory(start, end - start));
            file.Write(offset, _parts);
        }
        finally
        {
            _parts.Clear();
        }
    }

    private void AddRecord(ChangeKind kind, long offset, long length, ReadOnlyMemory<byte> data)
    {
        var head = ChangeRecord.DataOffset(data.Length);
        var encoded = ChangeRecord.EncodedLength(data.Length);
        var direct = data.Length >= DirectSize;
        var padding = encoded - head - data.Length;
        var inBuffer = direct ? head + padding : encoded;
        Reserve(inBuffer);
        var target = _buffer.AsSpan(_used, inBuffer);
        ChangeRecord.WriteChunkTable(data.Span, target[ChangeRecord.HeaderSize..head]);
        if (!direct)
        {
            data.Span.CopyTo(target[head..]);
        }

        target[^padding..].Clear();
        if (Count == _entries.Length)
        {
            Array.Resize(ref _entries, Count * 2);
        }

        _entries[Count++] = new Entry(kind, _used, offset, length, data.Length, direct ? data : default);
        _used += inBuffer;
        Bytes += encoded;
    }

    private void Reserve(int bytes)
    {
        if (_used + bytes > _buffer.Length)
        {
            Array.Resize(ref _buffer, Math.Max(_used + bytes, _buffer.Length * 2));
        }
    }

    private readonly record struct Entry(
        ChangeKind Kind, int Head, long Offset, long Length, int DataLength, ReadOnlyMemory<byte> Direct);
}

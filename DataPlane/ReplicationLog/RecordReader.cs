using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>The kind of content at an offset of a segment.</summary>
internal enum RecordFound
{
    /// <summary>A head with a sound checksum; the data may be cut off or damaged.</summary>
    Head,

    /// <summary>The file ends within the record that would start here.</summary>
    CutShort,

    /// <summary>The bytes are not a record's head.</summary>
    NoRecord,
}

/// <summary>Reads the heads of a segment's records through a window, skipping over large data.</summary>
internal sealed class RecordReader(int windowSize = 1 << 20)
{
    private const int LargestHead =
        ChangeRecord.HeaderSize + (4 * (ChangeRecord.MaxDataLength / ChangeRecord.ChunkSize));
    private readonly byte[] _window = new byte[Math.Max(windowSize, LargestHead)];
    private IStorageFile? _file;
    private long _start;
    private int _length;

    /// <summary>Reads the head at an offset, which must end at or before <paramref name="end"/>.</summary>
    public RecordFound ReadHead(IStorageFile file, long offset, long end, out ChangeHeader header)
    {
        header = default;
        var bytes = At(file, offset, end, ChangeRecord.HeaderSize);
        if (bytes.Length < ChangeRecord.HeaderSize)
        {
            return RecordFound.CutShort;
        }

        var dataLength = System.Buffers.Binary.BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        if (dataLength is < 0 or > ChangeRecord.MaxDataLength)
        {
            return RecordFound.NoRecord;
        }

        var head = ChangeRecord.DataOffset(dataLength);
        bytes = At(file, offset, end, head);
        if (bytes.Length < head)
        {
            return RecordFound.CutShort;
        }

        return ChangeRecord.TryReadHeader(bytes, out header) ? RecordFound.Head : RecordFound.NoRecord;
    }

    /// <summary>Returns whether the first bytes of an end mark at this offset are all zero.</summary>
    public bool IsEndMark(IStorageFile file, long offset, long end)
    {
        var bytes = At(file, offset, end, RecordBatch.EndMark);
        return !bytes[..Math.Min(bytes.Length, RecordBatch.EndMark)].ContainsAnyExcept((byte)0);
    }

    /// <summary>Discards the read bytes, because the file may have changed.</summary>
    public void Reset() => _file = null;

    private ReadOnlySpan<byte> At(IStorageFile file, long offset, long end, int wanted)
    {
        var available = (int)Math.Min(wanted, Math.Max(0, end - offset));
        if (_file != file || offset < _start || offset + available > _start + _length)
        {
            _file = file;
            _start = offset;
            _length = file.Read(offset, _window.AsSpan(0, (int)Math.Min(_window.Length, Math.Max(0, end - offset))));
        }

        var at = (int)(offset - _start);
        return _window.AsSpan(at, Math.Min(Math.Max(0, _length - at), (int)Math.Max(0, end - offset)));
    }
}

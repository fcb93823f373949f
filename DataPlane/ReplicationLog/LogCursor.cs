using System.Buffers;
using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// A position in the log from which records are read. It stores segment and offset, so that continued reading needs no
/// search. Used under the log's reading lock only.
/// </summary>
internal sealed class LogCursor(ChangeLog log)
{
    private readonly RecordReader _reader = new(64 << 10);
    private LogSegment? _segment;
    private ChangePosition _at;
    private long _offset;

    /// <summary>Forgets the segment, because segments were freed.</summary>
    public void Forget() => _segment = null;

    /// <summary>Copies whole, checked records behind a position and advances it.</summary>
    public int Read(ref ChangePosition after, ArrayBufferWriter<byte> target, int maxBytes)
    {
        if (!MoveTo(after))
        {
            return 0;
        }

        var segment = _segment!;
        var available = segment.Used - _offset;
        var wanted = (int)Math.Min(Math.Max(maxBytes, ChangeRecord.HeaderSize), available);
        while (true)
        {
            var bytes = target.GetSpan(wanted)[..wanted];
            if (segment.File.Read(_offset, bytes) < wanted)
            {
                throw Damaged(segment, "the file ends early");
            }

            var whole = TakeRecords(segment, bytes, available);
            if (whole > 0)
            {
                target.Advance(whole);
                after = _at;
                return whole;
            }

            // The first record is larger than the requested size.
            wanted = FirstLength(segment, bytes, available);
        }
    }

    /// <summary>
    /// Returns the time at which the first record behind a position was accepted; null if there is none or it cannot be
    /// read.
    /// </summary>
    public DateTimeOffset? PeekTime(ChangePosition after)
    {
        Forget();
        if (!MoveTo(after))
        {
            return null;
        }

        return _reader.ReadHead(_segment!.File, _offset, _segment.Used, out var header) == RecordFound.Head
            ? header.Time : null;
    }

    /// <summary>Returns the bytes of a segment's records up to a position that change a disk.</summary>
    public long WrittenUpTo(LogSegment segment, ChangePosition after)
    {
        Forget();
        if (segment.Before.CompareTo(after) >= 0)
        {
            return 0;
        }

        (_offset, var written) = segment.SeekWritten(after.Lsn);
        _reader.Reset();
        while (_offset < segment.Used)
        {
            if (_reader.ReadHead(segment.File, _offset, segment.Used, out var header) != RecordFound.Head)
            {
                throw Damaged(segment, "no record starts there");
            }

            if (header.Lsn.Value > after.Lsn.Value)
            {
                break;
            }

            written += header.ChangesDisk ? header.EncodedLength : 0;
            _offset += header.EncodedLength;
        }

        return written;
    }

    private bool MoveTo(ChangePosition after)
    {
        if (_segment is null || _at != after)
        {
            _segment = log.SegmentAfter(after);
            if (_segment is null)
            {
                return false;
            }

            Seek(_segment, after);
        }

        while (true)
        {
            var next = log.Following(_segment);
            if (_offset < _segment.Used)
            {
                return true;
            }

            if (next is null)
            {
                return false;
            }

            _segment = next;
            _offset = LogSegmentHeader.Size;
        }
    }

    private void Seek(LogSegment segment, ChangePosition after)
    {
        _at = after;
        if (segment.Before.CompareTo(after) >= 0)
        {
            _offset = LogSegmentHeader.Size;
            return;
        }

        _offset = segment.SeekOffset(after.Lsn);
        _reader.Reset();
        while (_offset < segment.Used)
        {
            if (_reader.ReadHead(segment.File, _offset, segment.Used, out var header) != RecordFound.Head)
            {
                throw Damaged(segment, "no record starts there");
            }

            if (header.Lsn.Value > after.Lsn.Value)
            {
                return;
            }

            _offset += header.EncodedLength;
        }
    }

    private int TakeRecords(LogSegment segment, ReadOnlySpan<byte> bytes, long available)
    {
        var taken = 0;
        while (taken < bytes.Length)
        {
            var rest = bytes[taken..];
            var length = LengthOf(rest);
            if (length > rest.Length && rest.Length < available - taken)
            {
                break;
            }

            var damage = Damage(segment, rest, out var header);
            if (damage is not null)
            {
                // Sound records are returned first; the next read reaches the damage again.
                return taken > 0 ? taken : throw Damaged(segment, damage);
            }

            _at = new ChangePosition(header.Generation, header.Lsn);
            _offset += header.EncodedLength;
            taken += header.EncodedLength;
        }

        return taken;
    }

    private string? Damage(LogSegment segment, ReadOnlySpan<byte> bytes, out ChangeHeader header)
    {
        if (!ChangeRecord.TryReadHeader(bytes, out header) || header.EncodedLength > bytes.Length
            || !ChangeRecord.VerifyData(bytes[..header.EncodedLength], header))
        {
            return "a checksum does not match";
        }

        var due = _at.Generation == header.Generation ? _at.Lsn.Value + 1 : segment.Header.FirstLsn.Value;
        return header.Generation == segment.Header.Generation && header.Lsn.Value == due
            ? null
            : $"change {header.Lsn} is in the place of {due}";
    }

    private int FirstLength(LogSegment segment, ReadOnlySpan<byte> bytes, long available)
    {
        var length = LengthOf(bytes);
        return length <= available ? length : throw Damaged(segment, "a record extends past the segment's end");
    }

    /// <summary>
    /// Returns the unchecked length of the record that seems to start here; the length of a head if it cannot be
    /// determined.
    /// </summary>
    private static int LengthOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < ChangeRecord.HeaderSize)
        {
            return ChangeRecord.HeaderSize;
        }

        var dataLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[12..]);
        return dataLength is < 0 or > ChangeRecord.MaxDataLength ? 0 : ChangeRecord.EncodedLength(dataLength);
    }

    private ReplicationLogCorruptException Damaged(LogSegment segment, string why) =>
        new($"the log segment '{segment.Name}' is damaged near byte {_offset}, after change {_at.Lsn}: {why}");
}

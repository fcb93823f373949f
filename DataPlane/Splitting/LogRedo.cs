using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Applies the log's newest changes to the source's disks again after the death of the process, so that disk and log
/// agree.
/// </summary>
/// <remarks>
/// All changes are checked before the first is applied: half a redo could put old bytes over newer ones. They are
/// applied newest first, and of each only the bytes that no newer one writes. So every byte is written once, with its
/// last value: if an older value were written first, a power failure in the middle of the redo could leave it in place
/// of a newer one that a FLUSH had made durable (I3).
/// </remarks>
internal sealed class LogRedo(IReadOnlyList<LogSegment> chain, IReadOnlyList<IBlockDevice> devices)
{
    private readonly List<(int Segment, long Offset)> _records = [];
    private readonly CoveredRanges[] _covered = [.. devices.Select(_ => new CoveredRanges())];
    private byte[] _buffer = new byte[1 << 20];

    /// <summary>Applies all changes above a number; false if one is damaged (then none was applied).</summary>
    /// <exception cref="BlockDeviceException">A disk reports an error.</exception>
    public bool TryApply(Lsn above)
    {
        for (var i = 0; i < chain.Count; i++)
        {
            if (chain[i].Last.Lsn.Value > above.Value && !TryCollect(i, above))
            {
                return false;
            }
        }

        var reader = new RecordReader();
        for (var i = _records.Count - 1; i >= 0; i--)
        {
            var segment = chain[_records[i].Segment];
            if (reader.ReadHead(segment.File, _records[i].Offset, segment.Used, out var header) != RecordFound.Head)
            {
                throw new BlockDeviceException(
                    $"'{segment.Name}' changed while it was read", BlockDeviceException.InputOutput);
            }

            Apply(segment, _records[i].Offset, header);
        }

        return true;
    }

    private bool TryCollect(int index, Lsn above)
    {
        var segment = chain[index];
        var reader = new RecordReader();
        for (var offset = segment.SeekOffset(above); offset < segment.Used;)
        {
            if (reader.ReadHead(segment.File, offset, segment.Used, out var header) != RecordFound.Head)
            {
                return false;
            }

            if (header.Lsn.Value > above.Value && header.Kind is ChangeKind.Write or ChangeKind.Zeroes)
            {
                var fits = header.Offset >= 0 && header.Length >= 0
                    && header.Offset <= devices[header.Disk].Length - header.Length;
                var isSound = header.DataLength == 0
                    || ChangeRecord.VerifyData(ReadRecord(segment, offset, header).Span, header);
                if (!fits || !isSound)
                {
                    return false;
                }

                _records.Add((index, offset));
            }

            offset += header.EncodedLength;
        }

        return true;
    }

    private void Apply(LogSegment segment, long offset, in ChangeHeader header)
    {
        var fresh = _covered[header.Disk].Cover(header.Offset, header.Offset + header.Length);
        if (fresh.Count == 0)
        {
            return;
        }

        var data = header.Kind == ChangeKind.Write
            ? ReadRecord(segment, offset, header).Slice(ChangeRecord.DataOffset(header.DataLength), header.DataLength)
            : default;
        foreach (var (start, end) in fresh)
        {
            var change = header.Kind == ChangeKind.Write
                ? BlockChange.Write(start, data.Slice((int)(start - header.Offset), (int)(end - start)))
                : BlockChange.Zeroes(start, end - start, mayDeallocate: true);
            devices[header.Disk].Write([change]);
        }
    }

    /// <summary>
    /// Returns a record in full length. A part missing from the file is filled with zeroes, which no checksum matches.
    /// </summary>
    private ReadOnlyMemory<byte> ReadRecord(LogSegment segment, long offset, in ChangeHeader header)
    {
        if (_buffer.Length < header.EncodedLength)
        {
            _buffer = new byte[header.EncodedLength];
        }

        var record = _buffer.AsMemory(0, header.EncodedLength);
        record.Span[segment.File.Read(offset, record.Span)..].Clear();
        return record;
    }
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Applies the log's newest changes to the source's disks again after the death of the process, so that disk and log
/// agree. All are checked before the first is applied: half a redo could put old bytes over newer ones.
/// </summary>
internal sealed class LogRedo(IReadOnlyList<LogSegment> chain, IReadOnlyList<IBlockDevice> devices)
{
    private byte[] _buffer = new byte[1 << 20];

    /// <summary>The changes that were applied.</summary>
    public int Applied { get; private set; }

    /// <summary>Applies all changes above a number, in order; false when one is damaged (then none was applied).</summary>
    /// <exception cref="BlockDeviceException">A disk refused.</exception>
    public bool TryApply(Lsn above)
    {
        foreach (var apply in (ReadOnlySpan<bool>)[false, true])
        {
            foreach (var segment in chain)
            {
                if (segment.Last.Lsn.Value > above.Value && !TryWalk(segment, above, apply))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private bool TryWalk(LogSegment segment, Lsn above, bool apply)
    {
        var reader = new RecordReader();
        for (var offset = segment.SeekOffset(above); offset < segment.Used;)
        {
            if (reader.ReadHead(segment.File, offset, segment.Used, out var header) != RecordFound.Head)
            {
                return false;
            }

            if (header.Lsn.Value > above.Value && !TryRecord(segment, offset, header, apply))
            {
                return false;
            }

            offset += header.EncodedLength;
        }

        return true;
    }

    private bool TryRecord(LogSegment segment, long offset, in ChangeHeader header, bool apply)
    {
        if (header.Kind is not (ChangeKind.Write or ChangeKind.Zeroes))
        {
            return true;
        }

        var length = header.EncodedLength;
        if (_buffer.Length < length)
        {
            _buffer = new byte[length];
        }

        var record = _buffer.AsMemory(0, length);
        if (segment.File.Read(offset, record.Span) < length || !ChangeRecord.VerifyData(record.Span, header)
            || header.Offset < 0 || header.Length < 0 || header.Offset > devices[header.Disk].Length - header.Length)
        {
            return false;
        }

        if (apply)
        {
            var change = header.Kind == ChangeKind.Zeroes
                ? BlockChange.Zeroes(header.Offset, header.Length, mayDeallocate: true)
                : BlockChange.Write(header.Offset, record.Slice(ChangeRecord.DataOffset(header.DataLength), header.DataLength));
            devices[header.Disk].Write([change]);
            Applied++;
        }

        return true;
    }
}

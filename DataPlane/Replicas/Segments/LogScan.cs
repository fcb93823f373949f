using System.Buffers;
using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;

namespace ReplicationEngine.DataPlane.Replicas.Segments;

/// <summary>
/// Reads a log from a checkpoint, record by record, and checks all checksums. The scan stops at the first incomplete or
/// damaged record, or at a segment that does not start where the previous one ends. The bytes after that are a torn
/// tail that was never acknowledged, unless the head file proves otherwise.
/// </summary>
internal sealed class LogScan(SegmentSet segments, uint owner)
{
    /// <summary>The callback for each sound record.</summary>
    public delegate void Visit(in ChangeHeader header, ReadOnlySpan<byte> record, uint segment, long at);

    /// <summary>The last segment with a sound part; 0 if there is none.</summary>
    public uint Segment { get; private set; }

    /// <summary>The end offset of the sound part.</summary>
    public long Offset { get; private set; }

    /// <summary>The segments with a sound part.</summary>
    public List<uint> Scanned { get; } = [];

    /// <summary>Visits the records behind the checkpoint, then truncates the log after the last sound one.</summary>
    public void Run(Checkpoint from, Visit visit)
    {
        (Segment, Offset) = (from.Segment, from.Offset);
        var row = segments.All().Where(s => s.Number >= from.Segment && IsLog(s.Name)).Select(s => s.Number).ToList();
        if (from.Segment != 0 && (row.Count == 0 || row[0] != from.Segment))
        {
            throw new ReplicaCorruptException(
                $"Segment {from.Segment:x8} of the log is missing in '{segments.Directory.Path}'.");
        }

        for (var i = 0; i < row.Count; i++)
        {
            // The header of the first segment was durable before the checkpoint was, and its records are checked one by
            // one.
            var sound = row[i] == from.Segment
                || (segments.HasSoundHeader(row[i]) && segments.Follows(row[i], Segment, Offset));
            if (sound)
            {
                Segment = row[i];
                Scanned.Add(Segment);
                Offset = row[i] == from.Segment ? from.Offset : SegmentSet.HeaderSize;
                Offset = ScanSegment(row[i], Offset, visit);
            }

            if (!sound || (i + 1 < row.Count && Offset < segments.LengthOf(row[i])))
            {
                CutOff(row, sound ? i + 1 : i);
                break;
            }
        }

        if (Segment != 0 && segments.LengthOf(Segment) > Offset)
        {
            segments.File(Segment).SetLength(Offset);
        }
    }

    /// <summary>
    /// Rewrites the bytes behind a position unchanged. If the previous process ended after a failed sync, the system
    /// marks those pages clean although the medium may lack them, and a sync alone would not write them (I28).
    /// </summary>
    public void WriteAgain((uint Segment, long Offset) durable)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
        try
        {
            foreach (var number in Scanned.Where(n => n >= durable.Segment))
            {
                var (file, end) = (segments.File(number), segments.LengthOf(number));
                for (var at = number == durable.Segment ? durable.Offset : 0; at < end;)
                {
                    var read = file.Read(at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - at)));
                    file.Write(at, buffer.AsSpan(0, read));
                    at += read;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private bool IsLog(string name) =>
        FileNames.TryParse(name, out var prefix, out var of, out _) && prefix == FileNames.LogPrefix && of == owner;

    private void CutOff(List<uint> row, int from)
    {
        for (var i = row.Count - 1; i >= from; i--)
        {
            segments.Delete(row[i]);
        }
    }

    private long ScanSegment(uint segment, long at, Visit visit)
    {
        var file = segments.File(segment);
        var length = file.Length;
        var buffer = ArrayPool<byte>.Shared.Rent(1 << 20);
        try
        {
            var (start, filled) = (at, 0);
            while (true)
            {
                var known = filled - (int)(at - start);
                var need = Need(buffer.AsSpan((int)(at - start), known));
                if (at + need > length)
                {
                    return at;
                }

                if (known < need)
                {
                    buffer = Grow(buffer, need);
                    filled = file.Read(at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, length - at)));
                    start = at;
                    continue;
                }

                var record = buffer.AsSpan((int)(at - start), need);
                if (!ChangeRecord.TryReadHeader(record, out var header) || !ChangeRecord.VerifyData(record, header))
                {
                    return at;
                }

                visit(header, record, segment, at);
                at += need;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Returns the number of bytes needed to check the record at this position.</summary>
    private static int Need(ReadOnlySpan<byte> known)
    {
        if (known.Length < ChangeRecord.HeaderSize)
        {
            return ChangeRecord.HeaderSize;
        }

        var data = BinaryPrimitives.ReadInt32LittleEndian(known[12..]);
        return data is < 0 or > ChangeRecord.MaxDataLength ? ChangeRecord.HeaderSize : ChangeRecord.EncodedLength(data);
    }

    private static byte[] Grow(byte[] buffer, int need)
    {
        if (buffer.Length >= need)
        {
            return buffer;
        }

        ArrayPool<byte>.Shared.Return(buffer);
        return ArrayPool<byte>.Shared.Rent(need);
    }
}

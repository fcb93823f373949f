using System.Buffers;
using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Extents;

namespace ReplicationEngine.DataPlane.Replicas.Segments;

/// <summary>
/// Reads parts of records' data and checks every byte it returns: the header's checksum covers the position on the disk
/// and the chunk table, and the chunk table covers the data (I7). A small record is read whole, in one call; the chunk
/// table of a large one is kept in a bounded cache. Safe to call from several threads.
/// </summary>
internal sealed class RecordReader(SegmentSet segments)
{
    private const int WholeRead = 12 << 10;
    private const int Slots = 2048;
    private readonly Table?[] _tables = new Table?[Slots];

    /// <summary>Reads the extent's data into the destination.</summary>
    /// <param name="extent">The extent to read.</param>
    /// <param name="disk">The disk that the record must name.</param>
    /// <param name="offset">The offset on the disk of the extent's first byte.</param>
    /// <param name="destination">A buffer of the extent's length.</param>
    /// <exception cref="ReplicaCorruptException">The stored bytes do not match their checksums.</exception>
    public void Read(in Extent extent, int disk, long offset, Span<byte> destination)
    {
        var slot = Slot(extent);
        var table = Volatile.Read(ref _tables[slot]);
        if (table is null || table.Segment != extent.Segment || table.Record != extent.Record)
        {
            var least = ChangeRecord.EncodedLength(extent.Delta + extent.Length);
            if (least <= WholeRead && TryReadWhole(extent, disk, offset, least, destination))
            {
                return;
            }

            table = LoadTable(extent);
            Volatile.Write(ref _tables[slot], table);
        }

        CheckPlace(table.Header, extent, disk, offset);
        ReadChunks(table, extent, destination);
    }

    /// <summary>Removes the cached data of a segment that is deleted.</summary>
    public void Forget(uint segment)
    {
        for (var i = 0; i < Slots; i++)
        {
            if (_tables[i] is { } table && table.Segment == segment)
            {
                Volatile.Write(ref _tables[i], null);
            }
        }
    }

    private static int Slot(in Extent extent) =>
        (int)(((ulong)extent.Record * 0x9E3779B97F4A7C15UL + extent.Segment * 0xC2B2AE3D27D4EB4FUL) >> 40) & (
            Slots - 1);

    private bool TryReadWhole(in Extent extent, int disk, long offset, int least, Span<byte> destination)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(least);
        try
        {
            var record = buffer.AsSpan(0, least);
            if (segments.File(extent.Segment).Read(extent.Record, record) < least
                || BinaryPrimitives.ReadInt32LittleEndian(record[12..]) is var length
                && (length < 0 || ChangeRecord.EncodedLength(length) > least)
                || !ChangeRecord.TryReadHeader(record, out var header))
            {
                return false;
            }

            CheckPlace(header, extent, disk, offset);
            if (!ChangeRecord.VerifyData(record, header))
            {
                throw Corrupt(extent, "its data does not match its checksum");
            }

            record.Slice(ChangeRecord.DataOffset(header.DataLength) + extent.Delta, extent.Length).CopyTo(destination);
            return true;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private Table LoadTable(in Extent extent)
    {
        Span<byte> start = stackalloc byte[ChangeRecord.HeaderSize];
        var file = segments.File(extent.Segment);
        if (file.Read(extent.Record, start) < start.Length)
        {
            throw Corrupt(extent, "its segment is too short");
        }

        var dataLength = BinaryPrimitives.ReadInt32LittleEndian(start[12..]);
        if (dataLength is < 0 or > ChangeRecord.MaxDataLength)
        {
            throw Corrupt(extent, "its header is damaged");
        }

        var bytes = new byte[ChangeRecord.DataOffset(dataLength)];
        if (file.Read(extent.Record, bytes) < bytes.Length || !ChangeRecord.TryReadHeader(bytes, out var header))
        {
            throw Corrupt(extent, "its header is damaged");
        }

        var sums = new uint[ChangeRecord.ChunkCount(dataLength)];
        for (var i = 0; i < sums.Length; i++)
        {
            sums[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(ChangeRecord.HeaderSize + (4 * i)));
        }

        return new Table(extent.Segment, extent.Record, header, sums);
    }

    private void ReadChunks(Table table, in Extent extent, Span<byte> destination)
    {
        const int chunk = ChangeRecord.ChunkSize;
        var first = extent.Delta / chunk;
        var end = extent.Delta + extent.Length;
        var from = first * chunk;
        var to = Math.Min(((end + chunk - 1) / chunk) * chunk, table.Header.DataLength);
        if (from == extent.Delta && to == end)
        {
            ReadVerified(table, extent, from, destination);
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(to - from);
        try
        {
            ReadVerified(table, extent, from, buffer.AsSpan(0, to - from));
            buffer.AsSpan(extent.Delta - from, extent.Length).CopyTo(destination);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private void ReadVerified(Table table, in Extent extent, int from, Span<byte> target)
    {
        const int chunk = ChangeRecord.ChunkSize;
        var at = extent.Record + ChangeRecord.DataOffset(table.Header.DataLength) + from;
        if (segments.File(extent.Segment).Read(at, target) < target.Length)
        {
            throw Corrupt(extent, "its segment is too short");
        }

        for (var done = 0; done < target.Length; done += chunk)
        {
            var part = target.Slice(done, Math.Min(chunk, target.Length - done));
            if (Crc32C.Compute(part) != table.Sums[(from + done) / chunk])
            {
                throw Corrupt(extent, $"its data does not match its checksum at byte {from + done}");
            }
        }
    }

    private static void CheckPlace(in ChangeHeader header, in Extent extent, int disk, long offset)
    {
        if (header.Disk != disk || header.Offset + extent.Delta != offset || extent.Delta
            + extent.Length > header.DataLength)
        {
            throw Corrupt(extent,
                $"it is for another place (disk {header.Disk}, byte {header.Offset}) than the index says");
        }
    }

    private static ReplicaCorruptException Corrupt(in Extent extent, string why) =>
        new($"The record at byte {extent.Record} of segment {extent.Segment:x8} is damaged: {why}.");

    private sealed record Table(uint Segment, long Record, ChangeHeader Header, uint[] Sums);
}

using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Changes;

/// <summary>The kind of a change record.</summary>
public enum ChangeKind : byte
{
    /// <summary>The guest wrote the record's data. Logged; has an LSN of its own.</summary>
    Write = 1,

    /// <summary>The guest made a range zero (or trimmed it). Logged; has an LSN of its own; no data.</summary>
    Zeroes = 2,

    /// <summary>A recovery point is sealed at this LSN. Logged; the data is a <see cref="PointMarker"/>.</summary>
    Marker = 3,

    /// <summary>
    /// The log starts again after writes that it does not hold, so the replica needs a resync. Logged; no data.
    /// </summary>
    GenerationStart = 4,

    /// <summary>
    /// The current content of a block of the source's disk, sent by initial replication or resync. Not logged; LSN 0.
    /// </summary>
    ResyncData = 16,

    /// <summary>A range that is zero on the source's disk. Not logged; LSN 0; no data.</summary>
    ResyncZeroes = 17,

    /// <summary>
    /// A resync ended. The record exists only in a replica store's own log, never on the wire. LSN 0; the data is i64
    /// generation and i64 LSN of the position from which the content is consistent.
    /// </summary>
    ResyncEnd = 128,

    /// <summary>
    /// A recovery point that a replica store seals itself. The record exists only in the store's own log, never on the
    /// wire. LSN 0; the data is a <see cref="PointMarker"/>.
    /// </summary>
    LocalMarker = 129,
}

/// <summary>The fixed part of a change record.</summary>
/// <param name="Kind">The kind of the record.</param>
/// <param name="Disk">The index of the disk in the VM's list.</param>
/// <param name="Generation">The generation of the log that holds the record.</param>
/// <param name="Lsn">The sequence number of the record; 0 for the kinds that are not logged.</param>
/// <param name="Offset">The offset of the first changed byte.</param>
/// <param name="Length">
/// The number of changed bytes; equal to <paramref name="DataLength"/> for kinds that write data.
/// </param>
/// <param name="CompletedLsn">All changes up to this LSN were on the source's disk when the record was made.</param>
/// <param name="Time">The time at which the change was accepted.</param>
/// <param name="DataLength">The number of bytes of data that follow.</param>
public readonly record struct ChangeHeader(
    ChangeKind Kind, int Disk, Generation Generation, Lsn Lsn, long Offset, long Length, Lsn CompletedLsn,
    DateTimeOffset Time, int DataLength)
{
    /// <summary>Whether the record changes a disk; markers and the borders of generations and resyncs do not.</summary>
    public bool ChangesDisk => Kind is not (ChangeKind.Marker or ChangeKind.GenerationStart or ChangeKind.ResyncEnd
        or ChangeKind.LocalMarker);

    /// <summary>The length of the whole encoded record in bytes.</summary>
    public int EncodedLength => ChangeRecord.EncodedLength(DataLength);
}

/// <summary>
/// The only encoding of a change: in the replication log, on the wire and in the replica's segments. The checksums
/// computed when the guest's write was accepted are therefore those that a read of a recovered disk checks (I7).
/// </summary>
/// <remarks>
/// All integers little endian.
/// <code>
///   0  u32  CRC-32C over bytes 4 .. 64+4n (the rest of the header and the chunk table)
///   4  u32  magic "CHG1"
///   8  u8   kind      9 u8 flags (0)   10 u16 disk   12 u32 data length d
///  16  i64  LSN      24 i64 offset     32 i64 length
///  40  i64  completed LSN              48 i64 time (UTC ticks)   56 i64 generation
///  64  n × u32  CRC-32C of each 4 KiB chunk of the data (n = ceil(d / 4096), the last may be short)
///  64+4n    d bytes of data, then zero bytes up to a multiple of 8
/// </code>
/// A chunk's checksum does not cover its place; the header's does (it holds LSN, disk and offset), and the header's
/// checksum covers the chunk table.
/// </remarks>
public static class ChangeRecord
{
    /// <summary>The size of the fixed header in bytes.</summary>
    public const int HeaderSize = 64;

    /// <summary>The number of bytes that one checksum covers.</summary>
    public const int ChunkSize = 4096;

    /// <summary>The maximum size of one record's data in bytes.</summary>
    public const int MaxDataLength = 32 << 20;

    private const uint Magic = 0x31474843;

    /// <summary>Returns the number of chunks of so many bytes of data.</summary>
    public static int ChunkCount(int dataLength) => (dataLength + ChunkSize - 1) / ChunkSize;

    /// <summary>Returns the offset of the data in an encoded record.</summary>
    public static int DataOffset(int dataLength) => HeaderSize + (4 * ChunkCount(dataLength));

    /// <summary>Returns the length in bytes of a whole encoded record, a multiple of 8.</summary>
    public static int EncodedLength(int dataLength) => (DataOffset(dataLength) + dataLength + 7) & ~7;

    /// <summary>Encodes a record into <paramref name="target"/> and returns its length.</summary>
    public static int Encode(in ChangeHeader header, ReadOnlySpan<byte> data, Span<byte> target)
    {
        if (data.Length != header.DataLength)
        {
            throw new ArgumentException($"The header announces {header.DataLength} bytes of data, but {data.Length} "
                + "are given.",
                nameof(data));
        }

        var dataOffset = DataOffset(data.Length);
        var length = EncodedLength(data.Length);
        data.CopyTo(target[dataOffset..]);
        target[(dataOffset + data.Length)..length].Clear();
        SealInPlace(header, target[..length]);
        return length;
    }

    /// <summary>
    /// Completes a record whose data is already at <see cref="DataOffset"/>: writes header and chunk table.
    /// </summary>
    public static void SealInPlace(in ChangeHeader header, Span<byte> record)
    {
        var dataOffset = DataOffset(header.DataLength);
        WriteChunkTable(record.Slice(dataOffset, header.DataLength), record[HeaderSize..dataOffset]);
        SealHeader(header, record[..dataOffset]);
    }

    /// <summary>
    /// Writes the chunk table of a record's data. It does not depend on the record's LSN, so it can be written before
    /// the record is ordered.
    /// </summary>
    internal static void WriteChunkTable(ReadOnlySpan<byte> data, Span<byte> table)
    {
        for (var (chunk, at) = (0, 0); at < data.Length; chunk++, at += ChunkSize)
        {
            var crc = Crc32C.Compute(data.Slice(at, Math.Min(ChunkSize, data.Length - at)));
            BinaryPrimitives.WriteUInt32LittleEndian(table[(4 * chunk)..], crc);
        }
    }

    /// <summary>
    /// Completes the head of a record (header and chunk table, <see cref="DataOffset"/> bytes) whose chunk table is
    /// already written. The data itself may be elsewhere.
    /// </summary>
    internal static void SealHeader(in ChangeHeader header, Span<byte> record)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(record[4..], Magic);
        record[8] = (byte)header.Kind;
        record[9] = 0;
        BinaryPrimitives.WriteUInt16LittleEndian(record[10..], checked((ushort)header.Disk));
        BinaryPrimitives.WriteInt32LittleEndian(record[12..], header.DataLength);
        BinaryPrimitives.WriteInt64LittleEndian(record[16..], header.Lsn.Value);
        BinaryPrimitives.WriteInt64LittleEndian(record[24..], header.Offset);
        BinaryPrimitives.WriteInt64LittleEndian(record[32..], header.Length);
        BinaryPrimitives.WriteInt64LittleEndian(record[40..], header.CompletedLsn.Value);
        BinaryPrimitives.WriteInt64LittleEndian(record[48..], header.Time.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(record[56..], header.Generation.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(record, Crc32C.Compute(record[4..]));
    }

    /// <summary>
    /// Reads the header of the record at the start of <paramref name="source"/> and checks the header's checksum (not
    /// the data's). Returns false if the bytes do not hold a complete header and chunk table, or are not a valid
    /// record.
    /// </summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> source, out ChangeHeader header)
    {
        header = default;
        if (source.Length < HeaderSize || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Magic)
        {
            return false;
        }

        var dataLength = BinaryPrimitives.ReadInt32LittleEndian(source[12..]);
        if (dataLength is < 0 or > MaxDataLength || source.Length < DataOffset(dataLength)
            || Crc32C.Compute(source[4..DataOffset(dataLength)]) != BinaryPrimitives.ReadUInt32LittleEndian(source))
        {
            return false;
        }

        header = new ChangeHeader(
            (ChangeKind)source[8],
            BinaryPrimitives.ReadUInt16LittleEndian(source[10..]),
            new Generation(BinaryPrimitives.ReadInt64LittleEndian(source[56..])),
            new Lsn(BinaryPrimitives.ReadInt64LittleEndian(source[16..])),
            BinaryPrimitives.ReadInt64LittleEndian(source[24..]),
            BinaryPrimitives.ReadInt64LittleEndian(source[32..]),
            new Lsn(BinaryPrimitives.ReadInt64LittleEndian(source[40..])),
            new DateTimeOffset(BinaryPrimitives.ReadInt64LittleEndian(source[48..]), TimeSpan.Zero),
            dataLength);
        return true;
    }

    /// <summary>Returns whether the data of a whole encoded record matches its chunk table.</summary>
    public static bool VerifyData(ReadOnlySpan<byte> record, in ChangeHeader header)
    {
        var data = record.Slice(DataOffset(header.DataLength), header.DataLength);
        for (var (chunk, at) = (0, 0); at < data.Length; chunk++, at += ChunkSize)
        {
            var crc = Crc32C.Compute(data.Slice(at, Math.Min(ChunkSize, data.Length - at)));
            if (crc != BinaryPrimitives.ReadUInt32LittleEndian(record[(HeaderSize + (4 * chunk))..]))
            {
                return false;
            }
        }

        return true;
    }
}

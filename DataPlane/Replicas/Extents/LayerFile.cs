using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>The index file of a persisted layer.</summary>
/// <remarks>
/// Little endian; never changed once written.
/// <code>
/// header, 4096 bytes
///   0 u32 magic "RIX1"   4 u16 version 1   6 u16 0   8 u32 key id   12 u32 file number   16 u32 owner   20 u32 pages
///  24 i64 extents       32 u32 fences     36 u32 wide zeroes       40 u32 segments      44 16 bytes: the store's tag
///  60 u32 CRC-32C over bytes 0 .. 60      64 zero bytes
/// page k, 4096 bytes, at 4096 (1 + k)
///   0 u32 CRC-32C over (u32 file number, u32 k, bytes 4 .. 4096)    4 u32 extents n (at most 127)   8 i64 0
///  16 n × 32 bytes: i64 byte on the disk, i64 place of the record in its segment, u32 length, u32 segment (0: zeroes),
///     u32 first byte within the record's data, u32 disk; ordered by disk and byte, without overlap
/// footer, at 4096 (1 + pages)
///   fences × 16 bytes: the first extent of each page: i64 byte on the disk, u32 disk, u32 0
///   wide zeroes × 24 bytes: u32 disk, u32 0, i64 first region, i64 last region (regions of 256 KiB)
///   segments × 16 bytes: u32 segment, u32 0, i64 bytes of its data that this layer refers to
///   u32 CRC-32C over (u32 file number, the footer before this field)
/// </code>
/// Wide zeroes lie under the extents of the same layer.
/// </remarks>
internal static class LayerFile
{
    public const uint Magic = 0x31584952;
    public const int PageSize = 4096;
    public const int PageHeader = 16;
    public const int EntrySize = 32;
    public const int EntriesPerPage = 127;

    /// <summary>Returns a checksum that also covers the file (and page) to which the bytes belong.</summary>
    public static uint Seal(uint file, uint page, ReadOnlySpan<byte> bytes)
    {
        Span<byte> place = stackalloc byte[8];
        BinaryPrimitives.WriteUInt32LittleEndian(place, file);
        BinaryPrimitives.WriteUInt32LittleEndian(place[4..], page);
        return Crc32C.Compute(bytes, Crc32C.Compute(place));
    }

    public static void WriteEntry(Span<byte> target, int disk, long region, in Extent extent)
    {
        BinaryPrimitives.WriteInt64LittleEndian(target, Region.StartOf(region) + extent.Start);
        BinaryPrimitives.WriteInt64LittleEndian(target[8..], extent.Record);
        BinaryPrimitives.WriteInt32LittleEndian(target[16..], extent.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(target[20..], extent.Segment);
        BinaryPrimitives.WriteInt32LittleEndian(target[24..], extent.Delta);
        BinaryPrimitives.WriteInt32LittleEndian(target[28..], disk);
    }

    public static (int Disk, long Offset) PlaceOf(ReadOnlySpan<byte> entry) =>
        (BinaryPrimitives.ReadInt32LittleEndian(entry[28..]), BinaryPrimitives.ReadInt64LittleEndian(entry));

    public static Extent ExtentOf(ReadOnlySpan<byte> entry)
    {
        var offset = BinaryPrimitives.ReadInt64LittleEndian(entry);
        return new Extent(
            (int)(offset - Region.StartOf(Region.Of(offset))),
            BinaryPrimitives.ReadInt32LittleEndian(entry[16..]),
            BinaryPrimitives.ReadUInt32LittleEndian(entry[20..]),
            BinaryPrimitives.ReadInt64LittleEndian(entry[8..]),
            BinaryPrimitives.ReadInt32LittleEndian(entry[24..]));
    }

    public static ReadOnlySpan<byte> Entry(ReadOnlySpan<byte> page, int index) =>
        page.Slice(PageHeader + (index * EntrySize), EntrySize);

    public static int CountOf(ReadOnlySpan<byte> page) => BinaryPrimitives.ReadInt32LittleEndian(page[4..]);
}

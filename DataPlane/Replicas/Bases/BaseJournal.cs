using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Bases;

internal enum JournalKind : uint
{
    /// <summary>A page of the sums file.</summary>
    SumsPage = 1,

    /// <summary>A page of the roots file.</summary>
    RootPage = 2,

    /// <summary>A whole chunk of the base file.</summary>
    Chunk = 3,
}

/// <summary>A page of 4,096 bytes to write at a position.</summary>
internal readonly record struct JournalItem(int Disk, JournalKind Kind, long Index, ReadOnlyMemory<byte> Bytes);

/// <summary>
/// Makes changes of pages in place atomic: all new images are durable here before the first is written in place, and
/// the writes in place are durable before the journal is used again. The journal holds the last batch only.
/// </summary>
/// <remarks>
/// <code>
/// header, 64 bytes, little endian
///   0 u32 magic "RBJ1"   4 u16 version 1   6 u16 0   8 u32 key id   12 u32 items n   16 u32 CRC-32C over the items
///  20 40 bytes 0        60 u32 CRC-32C over bytes 0 .. 60
/// item, 4112 bytes:  u32 disk, u32 kind (1 sums page, 2 root page, 3 chunk), i64 number, 4096 bytes
/// </code>
/// A journal with a wrong checksum was torn before anything was written in place, or is no longer needed.
/// </remarks>
internal sealed class BaseJournal(IStorageFile file) : IDisposable
{
    private const uint Magic = 0x314A4252;
    private const int HeaderSize = 64;
    private const int ItemSize = 16 + 4096;

    public void Write(IReadOnlyList<JournalItem> items)
    {
        var bytes = new byte[HeaderSize + (items.Count * ItemSize)];
        for (var i = 0; i < items.Count; i++)
        {
            var target = bytes.AsSpan(HeaderSize + (i * ItemSize), ItemSize);
            BinaryPrimitives.WriteInt32LittleEndian(target, items[i].Disk);
            BinaryPrimitives.WriteUInt32LittleEndian(target[4..], (uint)items[i].Kind);
            BinaryPrimitives.WriteInt64LittleEndian(target[8..], items[i].Index);
            items[i].Bytes.Span.CopyTo(target[16..]);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        bytes[4] = 1;
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(12), items.Count);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(16), Crc32C.Compute(bytes.AsSpan(HeaderSize)));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(60), Crc32C.Compute(bytes.AsSpan(0, 60)));
        file.Write(0, bytes);
        file.Sync();
    }

    /// <summary>Reserves the space for a batch of so many items.</summary>
    public void Reserve(int items) => Space.Reserve(file, 0, HeaderSize + ((long)items * ItemSize));

    /// <summary>Returns the last batch if it is complete.</summary>
    public List<JournalItem> Read()
    {
        var items = new List<JournalItem>();
        var header = new byte[HeaderSize];
        if (file.Read(0, header) < HeaderSize || BinaryPrimitives.ReadUInt32LittleEndian(header) != Magic
            || header[4] != 1
            || BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(60)) != Crc32C.Compute(header.AsSpan(0, 60)))
        {
            return items;
        }

        var count = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(12));
        var bytes = new byte[Math.Min((long)count * ItemSize, Math.Max(0, file.Length - HeaderSize))];
        if (bytes.Length < (long)count * ItemSize || file.Read(HeaderSize, bytes) < bytes.Length
            || Crc32C.Compute(bytes) != BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(16)))
        {
            return items;
        }

        for (var i = 0; i < count; i++)
        {
            var source = bytes.AsMemory(i * ItemSize, ItemSize);
            items.Add(new JournalItem(
                BinaryPrimitives.ReadInt32LittleEndian(source.Span),
                (JournalKind)BinaryPrimitives.ReadUInt32LittleEndian(source.Span[4..]),
                BinaryPrimitives.ReadInt64LittleEndian(source.Span[8..]),
                source[16..]));
        }

        return items;
    }

    public void Dispose() => file.Dispose();
}

using System.Buffers.Binary;

namespace ReplicationEngine.DataPlane.Nbd.Protocol;

/// <summary>Encodes replies of the transmission phase; each method returns the bytes it wrote.</summary>
internal static class NbdReplies
{
    /// <summary>The number of bytes before the data of an OFFSET_DATA chunk.</summary>
    public const int DataChunkOverhead = NbdProtocol.ChunkHeaderSize + sizeof(ulong);

    /// <summary>The size of an OFFSET_HOLE chunk in bytes.</summary>
    public const int HoleChunkSize = NbdProtocol.ChunkHeaderSize + sizeof(ulong) + sizeof(uint);

    /// <summary>The size of an error chunk without a message in bytes.</summary>
    public const int ErrorChunkSize = NbdProtocol.ChunkHeaderSize + sizeof(uint) + sizeof(ushort);

    private const ushort Done = 1;

    /// <summary>Writes a simple reply.</summary>
    public static int Simple(Span<byte> target, ulong cookie, NbdError error)
    {
        BinaryPrimitives.WriteUInt32BigEndian(target, NbdProtocol.SimpleReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(target[4..], (uint)error);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], cookie);
        return NbdProtocol.SimpleReplySize;
    }

    /// <summary>Writes the header of a data chunk; the data follows.</summary>
    public static int DataChunk(Span<byte> target, ulong cookie, ulong offset, int length, bool last)
    {
        ChunkHeader(target, cookie, NbdChunk.OffsetData, sizeof(ulong) + length, last);
        BinaryPrimitives.WriteUInt64BigEndian(target[NbdProtocol.ChunkHeaderSize..], offset);
        return DataChunkOverhead;
    }

    /// <summary>Writes a chunk for a range of zeroes.</summary>
    public static int HoleChunk(Span<byte> target, ulong cookie, ulong offset, int length, bool last)
    {
        ChunkHeader(target, cookie, NbdChunk.OffsetHole, sizeof(ulong) + sizeof(uint), last);
        BinaryPrimitives.WriteUInt64BigEndian(target[NbdProtocol.ChunkHeaderSize..], offset);
        BinaryPrimitives.WriteInt32BigEndian(target[(NbdProtocol.ChunkHeaderSize + sizeof(ulong))..], length);
        return HoleChunkSize;
    }

    /// <summary>Writes the last chunk of a reply, for a request that failed.</summary>
    public static int ErrorChunk(Span<byte> target, ulong cookie, NbdError error)
    {
        ChunkHeader(target, cookie, NbdChunk.Error, sizeof(uint) + sizeof(ushort), last: true);
        BinaryPrimitives.WriteUInt32BigEndian(target[NbdProtocol.ChunkHeaderSize..], (uint)error);
        BinaryPrimitives.WriteUInt16BigEndian(target[(NbdProtocol.ChunkHeaderSize + sizeof(uint))..], 0);
        return ErrorChunkSize;
    }

    /// <summary>Returns the size in bytes of a block status chunk with so many descriptors.</summary>
    public static int StatusChunkSize(int descriptors) =>
        NbdProtocol.ChunkHeaderSize + sizeof(uint) + (descriptors * 2 * sizeof(uint));

    /// <summary>Writes the whole reply to BLOCK_STATUS.</summary>
    public static int StatusChunk(Span<byte> target, ulong cookie, ReadOnlySpan<NbdExtent> extents)
    {
        var size = StatusChunkSize(extents.Length);
        ChunkHeader(target, cookie, NbdChunk.BlockStatus, size - NbdProtocol.ChunkHeaderSize, last: true);
        BinaryPrimitives.WriteUInt32BigEndian(
            target[NbdProtocol.ChunkHeaderSize..], NbdProtocol.AllocationContextId);
        var at = NbdProtocol.ChunkHeaderSize + sizeof(uint);
        foreach (var extent in extents)
        {
            BinaryPrimitives.WriteUInt32BigEndian(target[at..], extent.Length);
            BinaryPrimitives.WriteUInt32BigEndian(target[(at + sizeof(uint))..], (uint)extent.Flags);
            at += 2 * sizeof(uint);
        }

        return size;
    }

    private static void ChunkHeader(Span<byte> target, ulong cookie, NbdChunk type, int length, bool last)
    {
        BinaryPrimitives.WriteUInt32BigEndian(target, NbdProtocol.StructuredReplyMagic);
        BinaryPrimitives.WriteUInt16BigEndian(target[4..], last ? Done : (ushort)0);
        BinaryPrimitives.WriteUInt16BigEndian(target[6..], (ushort)type);
        BinaryPrimitives.WriteUInt64BigEndian(target[8..], cookie);
        BinaryPrimitives.WriteInt32BigEndian(target[16..], length);
    }
}

/// <summary>A descriptor of a block status reply.</summary>
internal readonly record struct NbdExtent(uint Length, NbdExtentFlags Flags);

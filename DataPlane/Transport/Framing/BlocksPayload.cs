using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;

namespace ReplicationEngine.DataPlane.Transport.Framing;

// Blocks frame:  0 u16 disk   2 u16 blocks n (at most 16)   4 u32 mask of hashed blocks   8 i64 first block
//                16  n × 32 bytes SHA-256 (zero where the mask has no bit)
//                16 + 32n  whole change records, ResyncData and ResyncZeroes, LSN 0
// A frame without records means that none of these blocks needs to be sent.

/// <summary>The layout of a frame of blocks.</summary>
internal static class BlocksPayload
{
    private const int FixedSize = 16;

    /// <summary>Returns the offset of the records.</summary>
    public static int RecordsOffset(int blocks) => FixedSize + (blocks * BlockHashTree.HashSize);

    /// <summary>Returns the offset of a block's hash.</summary>
    public static int HashOffset(int block) => FixedSize + (block * BlockHashTree.HashSize);

    /// <summary>Writes the fixed part of a frame of blocks.</summary>
    public static void WriteFixed(Span<byte> payload, int disk, int blocks, uint hashed, long firstBlock)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(payload, checked((ushort)disk));
        BinaryPrimitives.WriteUInt16LittleEndian(payload[2..], checked((ushort)blocks));
        BinaryPrimitives.WriteUInt32LittleEndian(payload[4..], hashed);
        BinaryPrimitives.WriteInt64LittleEndian(payload[8..], firstBlock);
    }

    /// <summary>Reads and checks the fixed part of a frame of blocks.</summary>
    public static (int Disk, int Blocks, uint Hashed, long FirstBlock) ReadFixed(ReadOnlySpan<byte> payload)
    {
        if (payload.Length < FixedSize)
        {
            throw new FrameException(FrameError.BadPayload, $"A frame of blocks has {payload.Length} bytes.");
        }

        var blocks = BinaryPrimitives.ReadUInt16LittleEndian(payload[2..]);
        var hashed = BinaryPrimitives.ReadUInt32LittleEndian(payload[4..]);
        var first = BinaryPrimitives.ReadInt64LittleEndian(payload[8..]);
        if (blocks is 0 or > ResyncSlot.MaxBlocks || payload.Length < RecordsOffset(blocks) || first < 0
            || hashed >> blocks != 0)
        {
            throw new FrameException(FrameError.BadPayload,
                $"A frame of blocks names {blocks} blocks from {first} on.");
        }

        return (BinaryPrimitives.ReadUInt16LittleEndian(payload), blocks, hashed, first);
    }

    /// <summary>
    /// Returns the maximum payload of so many blocks: one record each, the table of checksums included.
    /// </summary>
    public static int Capacity(int blocks, int length) =>
        RecordsOffset(blocks) + (blocks * (ChangeRecord.HeaderSize + 8)) + ChangeRecord.EncodedLength(length);
}

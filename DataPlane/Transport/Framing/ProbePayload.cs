using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Resync;

namespace ReplicationEngine.DataPlane.Transport.Framing;

// Probe frame:   0 u16 disk   2 u16 blocks n (at most 64)   4 u32 zero   8 i64 number of the first block
//                16  RootProbe: 32 bytes SHA-256 over the n block hashes in a row    BlockProbe: n × 32 bytes hashes
// Answer frame:  0 u64 number of the probe's frame   8 u64 mask of differing blocks (a root: all bits or none)
// Ack frame:     0 u64 last frame applied   8 u64 last frame durable   16 i64 durable generation   24 i64 durable LSN
// EndResync:     0 i64 generation   8 i64 LSN from which the replica is consistent

/// <summary>The layout of probes.</summary>
internal static class ProbePayload
{
    /// <summary>The offset of the hashes.</summary>
    public const int HashesOffset = 16;

    /// <summary>Writes a probe; returns its length.</summary>
    public static int Write(Span<byte> payload, int disk, int blocks, long firstBlock, ReadOnlySpan<byte> hashes)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(payload, checked((ushort)disk));
        BinaryPrimitives.WriteUInt16LittleEndian(payload[2..], checked((ushort)blocks));
        BinaryPrimitives.WriteUInt32LittleEndian(payload[4..], 0);
        BinaryPrimitives.WriteInt64LittleEndian(payload[8..], firstBlock);
        hashes.CopyTo(payload[HashesOffset..]);
        return HashesOffset + hashes.Length;
    }

    /// <summary>Reads and checks a probe.</summary>
    public static (int Disk, int Blocks, long FirstBlock) Read(ReadOnlySpan<byte> payload, bool root)
    {
        var blocks = payload.Length < HashesOffset ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(payload[2..]);
        var hashes = root ? 1 : blocks;
        if (blocks is 0 or > BlockHashTree.BlocksPerExtent
            || payload.Length != HashesOffset + (hashes * BlockHashTree.HashSize))
        {
            throw new FrameException(FrameError.BadPayload,
                $"A probe of {payload.Length} bytes names {blocks} blocks.");
        }

        return (BinaryPrimitives.ReadUInt16LittleEndian(payload), blocks,
            BinaryPrimitives.ReadInt64LittleEndian(payload[8..]));
    }
}

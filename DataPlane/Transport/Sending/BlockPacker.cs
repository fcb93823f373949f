using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>
/// Lays out the payload of a frame of blocks around data that was read directly into it, at the offset of a single
/// record's data. If zero blocks split the data into several records, each moves towards the front: a gap of a whole
/// block is always larger than the record header it costs, so a record never overwrites data that is not yet moved.
/// </summary>
internal sealed class BlockPacker(ResyncSlot slot, ChangePosition position, DateTimeOffset time, bool sendZeroes)
{
    private const int Block = BlockHashTree.BlockSize;

    /// <summary>The bytes of block data in the payload.</summary>
    public long DataBytes { get; private set; }

    /// <summary>Packs the payload and returns its length.</summary>
    public int Pack(Span<byte> payload, int dataAt)
    {
        var (blocks, length, disk) = (slot.BlockCount, slot.Length, slot.Work.Extent.Disk);
        var to = BlocksPayload.RecordsOffset(blocks);
        payload[..to].Clear();
        uint hashed = 0;
        for (var first = 0; first < blocks;)
        {
            var zero = IsZero(payload, dataAt, first, length);
            var next = first + 1;
            while (next < blocks && IsZero(payload, dataAt, next, length) == zero)
            {
                next++;
            }

            var (from, end) = (first * Block, Math.Min(next * Block, length));
            if (!zero)
            {
                for (var block = first; block < next; block++)
                {
                    BlockHashTree.HashBlock(BlockAt(payload, dataAt, block, length),
                        payload[BlocksPayload.HashOffset(block)..]);
                    hashed |= 1u << block;
                }

                to += PackData(payload, dataAt + from, end - from, to, slot.Offset + from);
                DataBytes += end - from;
            }
            else if (sendZeroes)
            {
                to += PackZeroes(payload[to..], slot.Offset + from, end - from);
            }

            first = next;
        }

        BlocksPayload.WriteFixed(payload, disk, blocks, hashed, slot.Offset / Block);
        return to;
    }

    private static ReadOnlySpan<byte> BlockAt(ReadOnlySpan<byte> payload, int dataAt, int block, int length) =>
        payload.Slice(dataAt + (block * Block), Math.Min(Block, length - (block * Block)));

    private static bool IsZero(ReadOnlySpan<byte> payload, int dataAt, int block, int length) =>
        !BlockAt(payload, dataAt, block, length).ContainsAnyExcept((byte)0);

    private int PackData(Span<byte> payload, int from, int length, int to, long offset)
    {
        var dataTo = to + ChangeRecord.DataOffset(length);
        var encoded = ChangeRecord.EncodedLength(length);
        if (dataTo != from)
        {
            payload.Slice(from, length).CopyTo(payload[dataTo..]);
        }

        payload[(dataTo + length)..(to + encoded)].Clear();
        ChangeRecord.SealInPlace(Header(ChangeKind.ResyncData, offset, length, length), payload.Slice(to, encoded));
        return encoded;
    }

    private int PackZeroes(Span<byte> target, long offset, int length)
    {
        ChangeRecord.SealInPlace(Header(ChangeKind.ResyncZeroes, offset, length, 0), target[..ChangeRecord.HeaderSize]);
        return ChangeRecord.HeaderSize;
    }

    private ChangeHeader Header(ChangeKind kind, long offset, int length, int dataLength) => new(
        kind, slot.Work.Extent.Disk, position.Generation, Lsn.None, offset, length, position.Lsn, time, dataLength);
}

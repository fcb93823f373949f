using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>
/// Turns a reserved slot into a sealed frame. Safe to use from several threads, each on a slot of its own.
/// </summary>
public sealed class SlotFiller(
    IChangeSource source, FrameCipher cipher, BufferPool pool, TimeProvider time, TransferMeter meter, bool compress)
{
    private const int Overhead = FrameHeader.Size + FrameHeader.TagSize;

    /// <summary>Fills a slot: reads, hashes, compresses and seals.</summary>
    public void Fill(SendSlot slot)
    {
        switch (slot.Action.Type)
        {
            case FrameType.Records:
                SealPayload(slot, slot.Log!.WrittenSpan);
                meter.Count(slot.Log.WrittenCount, slot.Length);
                break;
            case FrameType.Blocks:
                FillBlocks(slot);
                break;
            case FrameType.RootProbe:
                FillRoot(slot);
                break;
            case FrameType.BlockProbe:
                var work = slot.Action.Slot.Work;
                var probe = new byte[ProbePayload.HashesOffset + work.Hashes!.Length];
                WriteProbe(probe, work, work.Hashes);
                SealSmall(slot, probe);
                break;
            case FrameType.EndResync:
                SealSmall(slot, AckPayload.Position(slot.Action.Position));
                break;
            default:
                SealSmall(slot, []);
                break;
        }
    }

    private static void WriteProbe(Span<byte> target, ExtentWork work, ReadOnlySpan<byte> hashes) =>
        ProbePayload.Write(target, work.Extent.Disk, work.Blocks, work.Extent.Offset / BlockHashTree.BlockSize, hashes);

    private void FillRoot(SendSlot slot)
    {
        var work = slot.Action.Slot.Work;
        var hashes = new byte[work.Blocks * BlockHashTree.HashSize];
        source.WaitForCompletion(slot.Action.Position.Lsn);
        var chunk = pool.Rent(BufferPool.ChunkCapacity);
        try
        {
            for (var at = 0; at < work.Extent.Length;)
            {
                var length = Math.Min(ResyncSlot.MaxBlocks * BlockHashTree.BlockSize, work.Extent.Length - at);
                HashChunk(work.Extent.Disk, work.Extent.Offset + at, chunk.AsSpan(0, length),
                    hashes.AsSpan(at / BlockHashTree.BlockSize * BlockHashTree.HashSize));
                at += length;
            }
        }
        finally
        {
            pool.Return(chunk);
        }

        work.Hashes = hashes;
        Span<byte> root = stackalloc byte[BlockHashTree.HashSize];
        BlockHashTree.Root(hashes, root);
        var payload = new byte[ProbePayload.HashesOffset + BlockHashTree.HashSize];
        WriteProbe(payload, work, root);
        SealSmall(slot, payload);
    }

    private void HashChunk(int disk, long offset, Span<byte> chunk, Span<byte> hashes)
    {
        var run = source.NextRun(disk, offset, chunk.Length);
        if (run.State != AllocationState.Data && run.Length >= chunk.Length)
        {
            chunk.Clear();
        }
        else
        {
            source.ReadDisk(disk, offset, chunk);
        }

        for (var at = 0; at < chunk.Length; at += BlockHashTree.BlockSize)
        {
            var block = chunk.Slice(at, Math.Min(BlockHashTree.BlockSize, chunk.Length - at));
            BlockHashTree.HashBlock(block, hashes[(at / BlockHashTree.BlockSize * BlockHashTree.HashSize)..]);
        }
    }

    private void FillBlocks(SendSlot slot)
    {
        var work = slot.Action.Slot;
        var buffer = pool.Rent(Overhead + BlocksPayload.Capacity(work.BlockCount, work.Length));
        var payload = buffer.AsSpan(FrameHeader.Size);
        var records = BlocksPayload.RecordsOffset(work.BlockCount);
        var data = records + ChangeRecord.DataOffset(work.Length);
        source.WaitForCompletion(slot.Action.Position.Lsn);
        source.ReadDisk(work.Work.Extent.Disk, work.Offset, payload.Slice(data, work.Length));
        var packer = new BlockPacker(
            work, slot.Action.Position, time.GetUtcNow(), sendZeroes: work.Kind == ResyncSlotKind.Data);
        var length = packer.Pack(payload, data);
        SealBuffer(slot, buffer, length);
        meter.CountBlocks(slot.Action.Position.Generation, packer.DataBytes, slot.Length);
    }

    private void SealPayload(SendSlot slot, ReadOnlySpan<byte> payload)
    {
        var frame = pool.Rent(payload.Length + Overhead);
        var packed = compress ? PayloadCodec.TryCompress(payload, frame.AsSpan(FrameHeader.Size, payload.Length)) : 0;
        var content = packed > 0 ? frame.AsSpan(FrameHeader.Size, packed) : payload;
        slot.Fill(frame, cipher.Seal(slot.Action.Type, slot.Action.Sequence, content, frame, payload.Length,
            packed > 0));
    }

    private void SealBuffer(SendSlot slot, byte[] buffer, int length)
    {
        var payload = buffer.AsSpan(FrameHeader.Size, length);
        if (compress && length > FrameHeader.Size)
        {
            var target = pool.Rent(length + Overhead);
            var packed = PayloadCodec.TryCompress(payload, target.AsSpan(FrameHeader.Size, length));
            if (packed > 0)
            {
                pool.Return(buffer);
                slot.Fill(target, cipher.Seal(slot.Action.Type, slot.Action.Sequence,
                    target.AsSpan(FrameHeader.Size, packed), target, length, compressed: true));
                return;
            }

            pool.Return(target);
        }

        slot.Fill(buffer, cipher.Seal(slot.Action.Type, slot.Action.Sequence, payload, buffer, length,
            compressed: false));
    }

    private void SealSmall(SendSlot slot, ReadOnlySpan<byte> payload)
    {
        var frame = pool.Rent(payload.Length + Overhead);
        slot.Fill(frame, cipher.Seal(slot.Action.Type, slot.Action.Sequence, payload, frame, payload.Length,
            compressed: false));
        meter.Count(0, slot.Length);
    }
}

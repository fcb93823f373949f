using System.Numerics;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport.Receiving;

/// <summary>The identity of the sender, as announced when the session opened.</summary>
/// <param name="Term">The term under which the sender writes.</param>
/// <param name="Incarnation">The incarnation of the sender's volume.</param>
public readonly record struct SenderIdentity(Term Term, Guid Incarnation);

/// <summary>
/// Passes the content of frames to the replica in order. The sender's incarnation is durably recorded before its first
/// change.
/// </summary>
internal sealed class FrameApplier(IReplicaSink sink, SenderIdentity sender)
{
    private bool _isNamed;

    /// <summary>Applies a frame; returns the reply to send, or null.</summary>
    /// <exception cref="FrameException">The payload does not follow the format.</exception>
    public byte[]? Apply(FrameType type, ulong sequence, ReadOnlyMemory<byte> payload)
    {
        switch (type)
        {
            case FrameType.Records:
                CheckSender();
                sink.Apply(payload);
                return null;
            case FrameType.Blocks:
                CheckSender();
                ApplyBlocks(payload);
                return null;
            case FrameType.RootProbe:
                return AckPayload.Answer(sequence, CompareRoot(payload.Span));
            case FrameType.BlockProbe:
                return AckPayload.Answer(sequence, CompareBlocks(payload.Span));
            case FrameType.EndResync:
                CheckSender();
                sink.EndResync(AckPayload.ReadPosition(payload.Span));
                return null;
            case FrameType.SyncRequest or FrameType.Ping or FrameType.Close:
                return null;
            default:
                throw new FrameException(FrameError.BadPayload, $"A sender must not send a frame of type {type}.");
        }
    }

    private void CheckSender()
    {
        if (sink.Position.Term.CompareTo(sender.Term) > 0)
        {
            throw new ReplicaRefusedException(ReplicaRefusal.StaleTerm,
                $"The replica has term {sink.Position.Term}, but the sender has term {sender.Term}.");
        }

        if (!_isNamed)
        {
            sink.NameSource(sender.Incarnation);
            _isNamed = true;
        }
    }

    private void ApplyBlocks(ReadOnlyMemory<byte> payload)
    {
        var (disk, blocks, hashed, first) = BlocksPayload.ReadFixed(payload.Span);
        var records = payload[BlocksPayload.RecordsOffset(blocks)..];
        if (records.IsEmpty)
        {
            return;
        }

        sink.Apply(records);
        for (var block = 0; hashed >> block != 0;)
        {
            block += BitOperations.TrailingZeroCount(hashed >> block);
            var count = BitOperations.TrailingZeroCount(~(hashed >> block));
            var hashes = payload.Span.Slice(BlocksPayload.HashOffset(block), count * BlockHashTree.HashSize);
            sink.NoteBlockHashes(disk, first + block, hashes);
            block += count;
        }
    }

    private ulong CompareRoot(ReadOnlySpan<byte> payload)
    {
        var (disk, blocks, first) = ProbePayload.Read(payload, root: true);
        Span<byte> hashes = stackalloc byte[BlockHashTree.BlocksPerExtent * BlockHashTree.HashSize];
        hashes = hashes[..(blocks * BlockHashTree.HashSize)];
        if (!sink.TryReadBlockHashes(disk, first, hashes))
        {
            return ulong.MaxValue;
        }

        Span<byte> root = stackalloc byte[BlockHashTree.HashSize];
        BlockHashTree.Root(hashes, root);
        return root.SequenceEqual(payload[ProbePayload.HashesOffset..]) ? 0 : ulong.MaxValue;
    }

    private ulong CompareBlocks(ReadOnlySpan<byte> payload)
    {
        var (disk, blocks, first) = ProbePayload.Read(payload, root: false);
        Span<bool> differs = stackalloc bool[BlockHashTree.BlocksPerExtent];
        differs = differs[..blocks];
        differs.Clear();
        sink.CompareBlocks(disk, first, payload[ProbePayload.HashesOffset..], differs);
        ulong mask = 0;
        for (var block = 0; block < blocks; block++)
        {
            mask |= differs[block] ? 1UL << block : 0;
        }

        return mask;
    }
}

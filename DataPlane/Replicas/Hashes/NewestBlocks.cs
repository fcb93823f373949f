using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Views;

namespace ReplicationEngine.DataPlane.Replicas.Hashes;

/// <summary>The hashes of the newest content's blocks, which a sender compares with its own.</summary>
/// <remarks>
/// Safe to call from several threads, also during changes: each block is hashed under the log's gate, read side; the
/// lock of the block hashes is taken after that.
/// </remarks>
internal sealed class NewestBlocks(LayerStack content)
{
    private readonly LayeredReader _view = content.ViewAt(long.MaxValue);

    /// <summary>Notes the hashes of consecutive blocks that have just arrived.</summary>
    public void NoteArrived(int disk, long firstBlock, ReadOnlySpan<byte> hashes)
    {
        for (var i = 0; i * BlockHashes.HashSize < hashes.Length; i++)
        {
            content.Hashes.NoteArrived(disk, firstBlock + i, Hash256.Read(hashes[(i * BlockHashes.HashSize)..]));
        }
    }

    /// <summary>Finds the blocks of a disk that differ from those with the given hashes.</summary>
    /// <exception cref="ReplicaRefusedException">The blocks are not inside the disk.</exception>
    public void Compare(int disk, long diskSize, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs)
    {
        if (firstBlock < 0 || firstBlock + differs.Length > ContentDigest.Blocks(diskSize))
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.OutOfRange,
                $"Blocks {firstBlock} to {firstBlock + differs.Length} are not inside disk {disk} of {diskSize} "
                + "bytes.");
        }

        var buffer = new byte[IReplicaSink.HashBlockSize];
        for (var i = 0; i < differs.Length; i++)
        {
            var theirs = Hash256.Read(hashes[(i * BlockHashes.HashSize)..]);
            differs[i] = !TryHash(disk, diskSize, firstBlock + i, buffer, out var ours) || ours != theirs;
        }
    }

    /// <summary>Reads the hashes of consecutive blocks; false if a block is damaged or not inside the disk.</summary>
    public bool TryRead(int disk, long diskSize, long firstBlock, Span<byte> hashes)
    {
        var count = hashes.Length / BlockHashes.HashSize;
        if (firstBlock < 0 || firstBlock + count > ContentDigest.Blocks(diskSize))
        {
            return false;
        }

        var buffer = new byte[IReplicaSink.HashBlockSize];
        for (var i = 0; i < count; i++)
        {
            if (!TryHash(disk, diskSize, firstBlock + i, buffer, out var hash))
            {
                return false;
            }

            hash.Write(hashes[(i * BlockHashes.HashSize)..]);
        }

        return true;
    }

    private bool TryHash(int disk, long diskSize, long block, byte[] buffer, out Hash256 hash)
    {
        if (content.Hashes.TryNoted(disk, block, out hash))
        {
            return true;
        }

        var length = ContentDigest.LengthOf(diskSize, block);
        content.Log.Gate.EnterReadLock();
        try
        {
            hash = content.Hashes.HashOf(_view, long.MaxValue, disk, block, (length, length), buffer);
            content.Hashes.Note(disk, block, hash);
            return true;
        }
        catch (DamagedRangeException)
        {
            // Damaged bytes equal nothing: the block counts as different, and the source sends it again.
            return false;
        }
        finally
        {
            content.Log.Gate.ExitReadLock();
        }
    }
}

using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Resync;

/// <summary>
/// The two levels of hashes by which both ends find differing blocks (RES-5): SHA-256 of each 64 KiB block, and of the
/// sequence of an extent's block hashes. The last block of a disk is hashed at its actual length.
/// </summary>
public static class BlockHashTree
{
    /// <summary>The size of a hash in bytes.</summary>
    public const int HashSize = SHA256.HashSizeInBytes;

    /// <summary>The size of a block in bytes.</summary>
    public const int BlockSize = IReplicaSink.HashBlockSize;

    /// <summary>The number of blocks of a whole extent: as many as a 64-bit mask has bits.</summary>
    public const int BlocksPerExtent = DirtyExtent.Size / BlockSize;

    private static readonly byte[] ZeroHash = SHA256.HashData(new byte[BlockSize]);

    /// <summary>Returns the number of blocks of so many bytes from a block's start.</summary>
    public static int BlockCount(int length) => (length + BlockSize - 1) / BlockSize;

    /// <summary>Computes the hash of one block; a zero block is cheap.</summary>
    public static void HashBlock(ReadOnlySpan<byte> block, Span<byte> hash)
    {
        if (block.Length == BlockSize && !block.ContainsAnyExcept((byte)0))
        {
            ZeroHash.CopyTo(hash);
            return;
        }

        SHA256.HashData(block, hash);
    }

    /// <summary>The hash of a whole block of zeroes.</summary>
    public static ReadOnlySpan<byte> ZeroBlockHash => ZeroHash;

    /// <summary>Computes the root hash of an extent.</summary>
    public static void Root(ReadOnlySpan<byte> blockHashes, Span<byte> root) => SHA256.HashData(blockHashes, root);

    /// <summary>Returns a mask with a bit for each of so many blocks.</summary>
    public static ulong MaskOf(int blocks) => blocks >= BlocksPerExtent ? ulong.MaxValue : (1UL << blocks) - 1;
}

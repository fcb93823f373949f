using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.Tests.TestKit.Properties;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Properties;

/// <summary>The hash tree finds exactly the blocks that differ, however long the last one is.</summary>
public sealed class Laws_of_the_hash_tree
{
    private delegate void HashBlock(ReadOnlySpan<byte> block, Span<byte> hash);

    private static readonly Arbitrary<int> Lengths = Gen.Choose(1, 4 * BlockHashTree.BlockSize).ToArbitrary();

    private static readonly Arbitrary<Steps<int>> Places =
        Laws.Sequences(Gen.Choose(0, (4 * BlockHashTree.BlockSize) - 1), 5);

    [Fact]
    [Trait("Req", "RES-5")]
    [Trait("Req", "I14")]
    public void Blocks_and_roots_differ_exactly_where_bytes_do() => Laws.Hold(100, Prop.ForAll(
        Lengths, Places, ArbMap.Default.ArbFor<bool>(),
        (length, places, zero) => FindsThem(BlockHashTree.HashBlock, length, places.Items, zero)));

    [Fact]
    public void A_tree_that_skips_the_end_of_a_short_block_is_found() => Laws.Fail(400, Prop.ForAll(
        Lengths, Places, ArbMap.Default.ArbFor<bool>(),
        (length, places, zero) => FindsThem(
            (block, hash) => BlockHashTree.HashBlock(
                block.Length < BlockHashTree.BlockSize ? block[..(block.Length / 2)] : block, hash),
            length, places.Items, zero)));

    private static void FindsThem(HashBlock hashBlock, int length, IReadOnlyList<int> places, bool zero)
    {
        var left = new byte[length];
        if (!zero)
        {
            new Random(length).NextBytes(left);
        }

        var right = (byte[])left.Clone();
        foreach (var place in places.Where(place => place < length))
        {
            right[place] ^= 0x10;
        }

        var (a, b) = (Hashes(hashBlock, left), Hashes(hashBlock, right));
        for (var block = 0; block < BlockHashTree.BlockCount(length); block++)
        {
            var from = block * BlockHashTree.BlockSize;
            var size = Math.Min(BlockHashTree.BlockSize, length - from);
            Assert.Equal(
                left.AsSpan(from, size).SequenceEqual(right.AsSpan(from, size)),
                Hash(a, block).SequenceEqual(Hash(b, block)));
        }

        Span<byte> rootA = stackalloc byte[BlockHashTree.HashSize], rootB = stackalloc byte[BlockHashTree.HashSize];
        BlockHashTree.Root(a, rootA);
        BlockHashTree.Root(b, rootB);
        Assert.Equal(left.AsSpan().SequenceEqual(right), rootA.SequenceEqual(rootB));
    }

    private static ReadOnlySpan<byte> Hash(byte[] hashes, int block) =>
        hashes.AsSpan(block * BlockHashTree.HashSize, BlockHashTree.HashSize);

    private static byte[] Hashes(HashBlock hashBlock, byte[] content)
    {
        var blocks = BlockHashTree.BlockCount(content.Length);
        var hashes = new byte[blocks * BlockHashTree.HashSize];
        for (var block = 0; block < blocks; block++)
        {
            var from = block * BlockHashTree.BlockSize;
            hashBlock(
                content.AsSpan(from, Math.Min(BlockHashTree.BlockSize, content.Length - from)),
                hashes.AsSpan(block * BlockHashTree.HashSize, BlockHashTree.HashSize));
        }

        return hashes;
    }
}

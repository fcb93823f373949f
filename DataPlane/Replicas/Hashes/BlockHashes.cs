using System.Buffers.Binary;
using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Hashes;

/// <summary>
/// SHA-256 hashes of 64 KiB blocks of one disk as they were at the end of some layer, 64 blocks to a page. Soft state:
/// a page that is missing, torn, damaged or of another epoch means "unknown", never a wrong hash.
/// </summary>
/// <remarks>
/// Why a hash on file is never wrong. A page records the layer (always one that was durable before) at whose end its
/// hashes were right. A reader uses a hash only if no newer layer up to its cut touched the block. Before a folded
/// layer is dropped, the hashes of the blocks it touched are removed from older pages, durably (<see cref="Outdate"/>).
/// Before layers are dropped that were not folded, the manifest's epoch rises and older pages become invalid.
/// <code>
/// page p at 2176 p, little endian
///   0 u32 magic "RHP1"   4 u32 CRC-32C over (u32 disk, u32 p, bytes 8 .. 2176)   8 i64 epoch   16 i64 layer
///  24 u64 bit k: the hash of block 64 p + k is known   32 u16 version 1   34 94 bytes 0   128 64 × 32 bytes: the
///  hashes
/// </code>
/// </remarks>
internal sealed class BlockHashes(int disk, IStorageFile file) : IDisposable
{
    public const int BlocksPerPage = 64;
    public const int HashSize = 32;
    private const int PageSize = 128 + (BlocksPerPage * HashSize);
    private const uint Magic = 0x31504852;
    private const int MostCached = 16384;

    private readonly Lock _lock = new();
    private readonly Dictionary<long, HashPage> _pages = [];

    /// <summary>The epoch of the manifest; pages of other epochs are ignored.</summary>
    public long Epoch { get; set; }

    /// <summary>Returns the current content of a page.</summary>
    public HashPage Page(long number)
    {
        lock (_lock)
        {
            if (!_pages.TryGetValue(number, out var page))
            {
                page = Load(number);
                if (_pages.Count >= MostCached)
                {
                    _pages.Clear();
                }

                _pages[number] = page;
            }

            return page;
        }
    }

    /// <summary>Writes a page to the file and the cache without syncing.</summary>
    public void Put(long number, HashPage page)
    {
        var bytes = new byte[PageSize];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, Magic);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(8), Epoch);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(16), page.Layer);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(24), page.Known);
        bytes[32] = 1;
        page.Hashes.Span.CopyTo(bytes.AsSpan(128));
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4), Seal(number, bytes.AsSpan(8)));
        lock (_lock)
        {
            _pages.Remove(number);
            file.Write(number * PageSize, bytes);
            _pages[number] = page;
        }
    }

    /// <summary>
    /// Updates the page of blocks that a layer touched before the layer disappears, so that no outdated hash remains.
    /// </summary>
    public void Outdate(long number, ulong touched, long layer)
    {
        var page = Page(number);
        if (page.Layer < layer && (page.Known & touched) != 0)
        {
            Put(number, page with { Known = page.Known & ~touched });
        }
    }

    public void Sync() => file.Sync();

    public void Dispose() => file.Dispose();

    private HashPage Load(long number)
    {
        var bytes = new byte[PageSize];
        if (file.Read(number * PageSize, bytes) < PageSize || BinaryPrimitives.ReadUInt32LittleEndian(bytes) != Magic
            || BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4)) != Seal(number, bytes.AsSpan(8))
            || BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(8)) != Epoch)
        {
            return HashPage.Unknown;
        }

        return new HashPage(
            BinaryPrimitives.ReadInt64LittleEndian(bytes.AsSpan(16)),
            BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24)), bytes.AsMemory(128));
    }

    private uint Seal(long number, ReadOnlySpan<byte> bytes)
    {
        Span<byte> place = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(place, disk);
        BinaryPrimitives.WriteUInt32LittleEndian(place[4..], (uint)number);
        return Crc32C.Compute(bytes, Crc32C.Compute(place));
    }
}

/// <summary>The hashes of 64 blocks as they were at the end of a layer.</summary>
/// <param name="Layer">The layer's number.</param>
/// <param name="Known">A bit mask: bit k is set if the hash of the page's block k is known.</param>
/// <param name="Hashes">The hashes: 64 × 32 bytes.</param>
internal sealed record HashPage(long Layer, ulong Known, ReadOnlyMemory<byte> Hashes)
{
    public static HashPage Unknown { get; } = new(-1, 0, new byte[BlockHashes.BlocksPerPage * BlockHashes.HashSize]);

    public bool Knows(int block) => (Known >> block & 1) != 0;

    public ReadOnlyMemory<byte> Hash(int block) => Hashes.Slice(block * BlockHashes.HashSize, BlockHashes.HashSize);
}

/// <summary>
/// The content digest of a set of disks: SHA-256 over ("RPD1", the number of disks, the disks' digests). A disk's
/// digest is SHA-256 over (its size as i64 little endian, its pages' digests). A page's digest is SHA-256 over the
/// SHA-256 of its 64 KiB blocks, at most 64; the disk's last block may be shorter. The digest depends on the content
/// alone.
/// </summary>
internal static class ContentDigest
{
    public static long Blocks(long size) => (size + IReplicaSink.HashBlockSize - 1) / IReplicaSink.HashBlockSize;

    public static long Pages(long size) => (Blocks(size) + BlockHashes.BlocksPerPage - 1) / BlockHashes.BlocksPerPage;

    public static int BlocksIn(long size, long page) =>
        (int)Math.Min(BlockHashes.BlocksPerPage, Blocks(size) - (page * BlockHashes.BlocksPerPage));

    public static int LengthOf(long size, long block) =>
        (int)Math.Min(IReplicaSink.HashBlockSize, size - (block * IReplicaSink.HashBlockSize));

    public static IncrementalHash Begin(long size)
    {
        var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> bytes = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, size);
        hash.AppendData(bytes);
        return hash;
    }

    public static byte[] Root(IReadOnlyCollection<byte[]> disks)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> count = stackalloc byte[8];
        "RPD1"u8.CopyTo(count);
        BinaryPrimitives.WriteInt32LittleEndian(count[4..], disks.Count);
        hash.AppendData(count);
        foreach (var disk in disks)
        {
            hash.AppendData(disk);
        }

        return hash.GetHashAndReset();
    }
}

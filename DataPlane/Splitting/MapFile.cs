using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The file behind a <see cref="ChangeMap"/>: 4 KiB pages, the pages of the two marks taking turns (0 active, 1 dirty,
/// 2 active, …), all written when the file is made, so that no later write into it needs space (I27).
/// <code>
///   0 u32 CRC-32C of bytes 4 .. 4096     4 u32 magic "CMAP"
///   8 u32 page number in the file       12 u16 disk   14 u8 mark (0 active, 1 dirty)   15 u8 version (1)
///  16 510 × u64 bits, lowest extent in the lowest bit of the first: 32,640 extents of 4 MiB, 127.5 GiB of disk
/// </code>
/// A page whose checksum, number, disk or mark is wrong (torn, rotten, misplaced, missing) reads as all set.
/// </summary>
internal sealed class MapFile : IDisposable
{
    private const int PageSize = 4096;
    private const int PageHeader = 16;
    private const int PageWords = (PageSize - PageHeader) / sizeof(ulong);
    private const int PageExtents = PageWords * 64;
    private const uint Magic = 0x50414D43;
    private const byte Version = 1;
    private readonly IStorageFile _file;
    private readonly int _disk;
    private readonly byte[] _page = new byte[PageSize];

    private MapFile(IStorageFile file, int disk, int extents)
    {
        _file = file;
        _disk = disk;
        Extents = extents;
    }

    /// <summary>The number of extents of the disk.</summary>
    public int Extents { get; private set; }

    /// <summary>Whether any page was unreadable when the file was loaded.</summary>
    public bool HadDamage { get; private set; }

    /// <summary>Creates the file with the given marks on every extent, and syncs it.</summary>
    public static MapFile Create(IStorageDirectory directory, int disk, int extents, bool dirty)
    {
        var map = new MapFile(directory.Open(NameOf(disk), StorageOpen.Any), disk, extents);
        map.StoreAll(ExtentMark.Active, new ExtentBits(extents));
        var bits = new ExtentBits(extents);
        if (dirty && extents > 0)
        {
            bits.Set(new ExtentRun(0, extents - 1));
        }

        map.StoreAll(ExtentMark.Dirty, bits);
        map.Sync();
        return map;
    }

    /// <summary>
    /// Opens the file, rewrites it unchanged and syncs it: its content may be in the page cache only, after a failed
    /// sync even in pages that the system marks clean, and counts as durable from here on.
    /// </summary>
    public static MapFile Open(IStorageDirectory directory, int disk, int extents)
    {
        var file = directory.Open(NameOf(disk), StorageOpen.Any);
        var bytes = new byte[file.Length];
        file.Write(0, bytes.AsSpan(0, file.Read(0, bytes)));
        file.Sync();
        return new MapFile(file, disk, extents);
    }

    /// <summary>Reads the bits of a mark.</summary>
    public ExtentBits Load(ExtentMark mark)
    {
        var bits = new ExtentBits(Extents);
        for (var page = 0; page * PageExtents < Extents; page++)
        {
            var target = WordsOf(bits, page);
            var read = _file.Read(OffsetOf(mark, page), _page);
            if (read == PageSize && IsSound(mark, page))
            {
                MemoryMarshal.Cast<byte, ulong>(_page.AsSpan(PageHeader))[..target.Length].CopyTo(target);
            }
            else
            {
                HadDamage = true;
                target.Fill(ulong.MaxValue);
            }
        }

        TrimBehind(bits);
        return bits;
    }

    /// <summary>Writes the pages that some runs touch, with the runs' bits set in addition to the given bits.</summary>
    public void Store(ExtentMark mark, ExtentBits bits, ReadOnlySpan<ExtentRun> set)
    {
        var (low, high) = (int.MaxValue, -1);
        foreach (var run in set)
        {
            low = Math.Min(low, run.First / PageExtents);
            high = Math.Max(high, run.Last / PageExtents);
        }

        for (var page = low; page <= high; page++)
        {
            StorePage(mark, page, bits, set);
        }
    }

    /// <summary>Writes the pages in which any of the given bits changed.</summary>
    public void StoreChanged(ExtentMark mark, ExtentBits bits, ReadOnlySpan<ulong> changed)
    {
        for (var page = 0; page * PageWords < changed.Length; page++)
        {
            if (changed[(page * PageWords)..Math.Min(changed.Length, (page + 1) * PageWords)].ContainsAnyExcept(0UL))
            {
                StorePage(mark, page, bits, []);
            }
        }
    }

    /// <summary>Makes all writes durable.</summary>
    public void Sync() => _file.Sync();

    /// <summary>Extends the file for more extents, whose bits are clear, and syncs it.</summary>
    public void Grow(int extents)
    {
        var (active, dirty) = (Load(ExtentMark.Active), Load(ExtentMark.Dirty));
        active.Grow(extents);
        dirty.Grow(extents);
        StoreAll(ExtentMark.Active, active);
        StoreAll(ExtentMark.Dirty, dirty);
        Sync();
        Extents = extents;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static string NameOf(int disk) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"map-{disk}");

    private static long OffsetOf(ExtentMark mark, int page) => ((2L * page) + (int)mark) * PageSize;

    private static Span<ulong> WordsOf(ExtentBits bits, int page)
    {
        var first = Math.Min(page * PageWords, bits.Words.Length);
        return bits.Words.AsSpan(first, Math.Min(PageWords, bits.Words.Length - first));
    }

    /// <summary>Bits behind the last extent have no meaning; they are always clear in memory.</summary>
    private static void TrimBehind(ExtentBits bits)
    {
        if ((bits.Count & 63) != 0)
        {
            bits.Words[^1] &= (1UL << (bits.Count & 63)) - 1;
        }
    }

    private void StoreAll(ExtentMark mark, ExtentBits bits)
    {
        for (var page = 0; page == 0 || page * PageExtents < bits.Count; page++)
        {
            StorePage(mark, page, bits, []);
        }
    }

    private void StorePage(ExtentMark mark, int page, ExtentBits bits, ReadOnlySpan<ExtentRun> set)
    {
        var words = MemoryMarshal.Cast<byte, ulong>(_page.AsSpan(PageHeader));
        words.Clear();
        WordsOf(bits, page).CopyTo(words);
        var first = page * PageExtents;
        foreach (var run in set)
        {
            var last = Math.Min(run.Last, first + PageExtents - 1);
            for (var extent = Math.Max(run.First, first); extent <= last; extent++)
            {
                words[(extent - first) >> 6] |= 1UL << ((extent - first) & 63);
            }
        }

        BinaryPrimitives.WriteUInt32LittleEndian(_page.AsSpan(4), Magic);
        BinaryPrimitives.WriteUInt32LittleEndian(_page.AsSpan(8), (uint)(OffsetOf(mark, page) / PageSize));
        BinaryPrimitives.WriteUInt16LittleEndian(_page.AsSpan(12), (ushort)_disk);
        _page[14] = (byte)mark;
        _page[15] = Version;
        BinaryPrimitives.WriteUInt32LittleEndian(_page, Crc32C.Compute(_page.AsSpan(4)));
        _file.Write(OffsetOf(mark, page), _page);
    }

    private bool IsSound(ExtentMark mark, int page) =>
        BinaryPrimitives.ReadUInt32LittleEndian(_page) == Crc32C.Compute(_page.AsSpan(4))
        && BinaryPrimitives.ReadUInt32LittleEndian(_page.AsSpan(4)) == Magic
        && BinaryPrimitives.ReadUInt32LittleEndian(_page.AsSpan(8)) == OffsetOf(mark, page) / PageSize
        && BinaryPrimitives.ReadUInt16LittleEndian(_page.AsSpan(12)) == _disk
        && _page[14] == (byte)mark
        && _page[15] == Version;
}

using System.Buffers.Binary;
using System.Runtime.InteropServices;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Bases;

/// <summary>
/// The checksums of a base image's 4 KiB chunks, in two levels: pages of 1,024 sums (4 MiB of disk), and a root for
/// each page. Roots are in memory (4 bytes per 4 MiB of disk), pages in a cache. Sums are changed under the store's
/// write lock only; they may be read by several threads under its read lock.
/// </summary>
/// <remarks>
/// Little endian.
/// <code>
/// roots file: root page k at 4096 k:  0 u32 CRC-32C over (u32 disk, u32 k, bytes 4 .. 4096)   4  1023 × u32 root
///   root: 0 means that all chunks of the page are zero; else CRC-32C over the page (0 is stored as 0xFFFFFFFF)
/// sums file: page p at 4096 p:  1024 × u32 sum
///   sum: 0 means that the chunk is zero, whatever the base file holds; else the CRC-32C of its 4096 bytes (0 as above)
/// </code>
/// A page that was lost, moved or damaged does not match its root; a root page holds its own number. So no single fault
/// lets stored data read as zeroes.
/// </remarks>
internal sealed class ChunkSums : IDisposable
{
    public const int PageSize = 4096;
    public const int SumsPerPage = 1024;
    public const int RootsPerPage = 1023;
    private const int MostCached = 8192;

    private readonly Lock _lock = new();
    private readonly int _disk;
    private readonly IStorageFile _sums;
    private readonly IStorageFile _roots;
    private readonly Dictionary<long, uint[]> _pages = [];
    private readonly HashSet<long> _dirty = [];
    private readonly HashSet<long> _damagedRoots = [];
    private uint[] _root = [];

    public ChunkSums(int disk, IStorageFile sums, IStorageFile roots) => (_disk, _sums, _roots) = (disk, sums, roots);

    public bool HasDirty => _dirty.Count > 0;

    /// <summary>The pages changed since they were last written.</summary>
    public IReadOnlyCollection<long> Dirty => _dirty;

    /// <summary>Reserves the space in the sums file for the changed pages.</summary>
    public void Reserve()
    {
        foreach (var page in _dirty)
        {
            Space.Reserve(_sums, page * PageSize, PageSize);
        }
    }

    public static uint SumOf(ReadOnlySpan<byte> chunk)
    {
        var crc = Crc32C.Compute(chunk);
        return crc == 0 ? uint.MaxValue : crc;
    }

    public static long PagesFor(long chunks) => (chunks + SumsPerPage - 1) / SumsPerPage;

    /// <summary>Writes the missing root pages of a disk of so many chunks, durably.</summary>
    public void Extend(long chunks)
    {
        var pages = PagesFor(chunks);
        var rootPages = (pages + RootsPerPage - 1) / RootsPerPage;
        var known = ((long)_root.Length + RootsPerPage - 1) / RootsPerPage;
        for (var k = known; k < rootPages; k++)
        {
            var page = new byte[PageSize];
            BinaryPrimitives.WriteUInt32LittleEndian(page, Seal(k, page.AsSpan(4)));
            _roots.Write(k * PageSize, page);
        }

        _roots.Sync();
        Array.Resize(ref _root, (int)Math.Max(pages, _root.Length));
    }

    /// <summary>Reads the roots of a disk of so many chunks.</summary>
    public void Load(long chunks)
    {
        _root = new uint[PagesFor(chunks)];
        var page = new byte[PageSize];
        for (var k = 0L; k * RootsPerPage < _root.Length; k++)
        {
            var first = (int)(k * RootsPerPage);
            if (_roots.Read(k * PageSize, page) < PageSize
                || Seal(k, page.AsSpan(4)) != BinaryPrimitives.ReadUInt32LittleEndian(page))
            {
                _damagedRoots.Add(k);
                continue;
            }

            MemoryMarshal.Cast<byte, uint>(page.AsSpan(4))[..Math.Min(RootsPerPage, _root.Length - first)].CopyTo(
                _root.AsSpan(first));
        }
    }

    /// <summary>Returns the sum of a chunk; 0 for a zero chunk.</summary>
    /// <exception cref="ReplicaCorruptException">The page or its root is damaged.</exception>
    public uint Get(long chunk)
    {
        var page = Page(chunk / SumsPerPage);
        return page is null ? 0 : page[chunk % SumsPerPage];
    }

    /// <summary>Returns whether all chunks of a page are zero.</summary>
    public bool IsZeroPage(long page) => Page(page) is null;

    public void Set(long chunk, uint sum)
    {
        var number = chunk / SumsPerPage;
        var page = Page(number);
        if (page is null)
        {
            if (sum == 0)
            {
                return;
            }

            page = new uint[SumsPerPage];
            lock (_lock)
            {
                _pages[number] = page;
            }
        }

        page[chunk % SumsPerPage] = sum;
        _dirty.Add(number);
        _root[number] = uint.MaxValue;
    }

    /// <summary>
    /// Ends a round of changes: computes the roots of the changed pages and returns the images of all pages to write,
    /// first sums, then roots. The images count as written from then on.
    /// </summary>
    public void TakeDirty(List<JournalItem> items)
    {
        var rootPages = new SortedSet<long>();
        foreach (var number in _dirty.Order())
        {
            var page = _pages[number];
            var image = MemoryMarshal.AsBytes(page.AsSpan()).ToArray();
            _root[number] = page.AsSpan().ContainsAnyExcept(0u) ? SumOf(image) : 0;
            rootPages.Add(number / RootsPerPage);
            items.Add(new JournalItem(_disk, JournalKind.SumsPage, number, image));
        }

        foreach (var k in rootPages)
        {
            var image = new byte[PageSize];
            var first = (int)(k * RootsPerPage);
            _root.AsSpan(first, Math.Min(RootsPerPage, _root.Length - first)).CopyTo(
                MemoryMarshal.Cast<byte, uint>(image.AsSpan(4)));
            BinaryPrimitives.WriteUInt32LittleEndian(image, Seal(k, image.AsSpan(4)));
            items.Add(new JournalItem(_disk, JournalKind.RootPage, k, image));
        }

        _dirty.Clear();
    }

    public void WriteImage(in JournalItem item) =>
        (item.Kind == JournalKind.SumsPage ? _sums : _roots).Write(item.Index * PageSize, item.Bytes.Span);

    public void Sync()
    {
        _sums.Sync();
        _roots.Sync();
    }

    public void Dispose()
    {
        _sums.Dispose();
        _roots.Dispose();
    }

    private uint Seal(long rootPage, ReadOnlySpan<byte> bytes)
    {
        Span<byte> place = stackalloc byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(place, _disk);
        BinaryPrimitives.WriteUInt32LittleEndian(place[4..], (uint)rootPage);
        return Crc32C.Compute(bytes, Crc32C.Compute(place));
    }

    private uint[]? Page(long number)
    {
        if (_damagedRoots.Count > 0 && _damagedRoots.Contains(number / RootsPerPage))
        {
            throw new ReplicaCorruptException($"Root page {number / RootsPerPage} of '{_roots.Name}' is damaged.");
        }

        if (_root[number] == 0)
        {
            return null;
        }

        lock (_lock)
        {
            if (_pages.TryGetValue(number, out var page))
            {
                return page;
            }

            page = new uint[SumsPerPage];
            var bytes = MemoryMarshal.AsBytes(page.AsSpan());
            if (_sums.Read(number * PageSize, bytes) < PageSize || SumOf(bytes) != _root[number])
            {
                throw new ReplicaCorruptException($"Page {number} of the checksums in '{_sums.Name}' is damaged.");
            }

            if (_pages.Count >= MostCached)
            {
                foreach (var clean in _pages.Keys.Where(k => !_dirty.Contains(k)).Take(MostCached / 8).ToArray())
                {
                    _pages.Remove(clean);
                }
            }

            _pages[number] = page;
            return page;
        }
    }
}

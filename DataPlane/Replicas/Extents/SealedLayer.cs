using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>
/// A persisted layer: uses 16 bytes of memory per 127 extents; its pages are read through the cache. Safe to read from
/// several threads. The store opens despite a damaged footer; each look-up then fails with a typed error.
/// </summary>
internal sealed class SealedLayer : ILayer, IDisposable
{
    private readonly IStorageFile _file;
    private readonly PageCache _cache;
    private readonly (int Disk, long Offset)[] _fences;
    private readonly string? _damage;
    private readonly List<WideZero> _wide = [];

    private SealedLayer(IStorageDirectory directory, PageCache cache, LayerInfo info, Guid tag)
    {
        (Info, _cache) = (info, cache);
        _file = directory.Open(FileNames.Layer(info.Owner, info.File), StorageOpen.Existing);
        try
        {
            _fences = ReadFooter(tag);
        }
        catch (ReplicaCorruptException e)
        {
            (_fences, _damage) = ([], e.Message);
        }
    }

    public LayerInfo Info { get; }

    public long From => Info.From;

    public long To => Info.To;

    /// <summary>The bytes of data that this layer refers to, by segment.</summary>
    public SortedDictionary<uint, long> Segments { get; } = [];

    /// <summary>The reason why the layer cannot be read; null if it can.</summary>
    public string? Damage => _damage;

    public IReadOnlyList<WideZero> WideZeroes => _wide;

    public static SealedLayer Open(IStorageDirectory directory, PageCache cache, LayerInfo info, Guid tag) =>
        new(directory, cache, info, tag);

    public void Collect(int disk, long region, int from, int to, List<Extent> target)
    {
        EnsureSound();
        var key = (disk, Region.StartOf(region));
        for (var page = FirstPage(key); page < _fences.Length; page++)
        {
            var bytes = Page(page);
            var count = LayerFile.CountOf(bytes);
            for (var i = FirstEntry(bytes, count, key); i < count; i++)
            {
                var entry = LayerFile.Entry(bytes, i);
                var (entryDisk, offset) = LayerFile.PlaceOf(entry);
                if (entryDisk != disk || offset >= key.Item2 + to)
                {
                    return;
                }

                var extent = LayerFile.ExtentOf(entry);
                if (extent.End > from)
                {
                    target.Add(extent);
                }
            }
        }
    }

    public bool IsWideZero(int disk, long region) => _wide.Count > 0
        && Extents.WideZeroes.Contains(_wide, disk, region);

    public bool Touches(int disk, long firstRegion, long lastRegion)
    {
        EnsureSound();
        var (key, end) = ((disk, Region.StartOf(firstRegion)), Region.StartOf(lastRegion + 1));
        for (var page = FirstPage(key); page < _fences.Length; page++)
        {
            var bytes = Page(page);
            var at = FirstEntry(bytes, LayerFile.CountOf(bytes), key);
            if (at < LayerFile.CountOf(bytes))
            {
                var (entryDisk, offset) = LayerFile.PlaceOf(LayerFile.Entry(bytes, at));
                if (entryDisk == disk && offset < end)
                {
                    return true;
                }

                break;
            }
        }

        return Extents.WideZeroes.Overlaps(_wide, disk, firstRegion, lastRegion);
    }

    public IEnumerable<long> RegionKeys()
    {
        EnsureSound();
        var last = -1L;
        for (var page = 0; page < _fences.Length; page++)
        {
            var bytes = Page(page);
            var count = LayerFile.CountOf(bytes);
            for (var i = 0; i < count; i++)
            {
                var (disk, offset) = LayerFile.PlaceOf(LayerFile.Entry(bytes, i));
                var key = Region.Key(disk, Region.Of(offset));
                if (key != last)
                {
                    last = key;
                    yield return key;
                }
            }
        }
    }

    /// <summary>Reads every page to detect damage.</summary>
    public void Check()
    {
        EnsureSound();
        var bytes = new byte[LayerFile.PageSize];
        for (var page = 0; page < _fences.Length; page++)
        {
            Load(page, bytes);
        }
    }

    public void Dispose() => _file.Dispose();

    private void EnsureSound()
    {
        if (_damage is not null)
        {
            throw new ReplicaCorruptException(_damage);
        }
    }

    private int FirstPage((int Disk, long Offset) key)
    {
        var (low, high) = (0, _fences.Length);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (_fences[middle].CompareTo(key) <= 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return Math.Max(0, low - 1);
    }

    private static int FirstEntry(byte[] page, int count, (int Disk, long Offset) key)
    {
        var (low, high) = (0, count);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (LayerFile.PlaceOf(LayerFile.Entry(page, middle)).CompareTo(key) < 0)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private byte[] Page(int page)
    {
        var bytes = _cache.Find(Info.File, page);
        if (bytes is null)
        {
            bytes = new byte[LayerFile.PageSize];
            Load(page, bytes);
            _cache.Put(Info.File, page, bytes);
        }

        return bytes;
    }

    private void Load(int page, byte[] bytes)
    {
        if (_file.Read(LayerFile.PageSize * (1L + page), bytes) < bytes.Length
            || LayerFile.Seal(Info.File, (uint)page, bytes.AsSpan(4)) != BinaryPrimitives.ReadUInt32LittleEndian(bytes)
            || LayerFile.CountOf(bytes) is < 0 or > LayerFile.EntriesPerPage)
        {
            throw new ReplicaCorruptException($"Page {page} of the index file '{_file.Name}' is damaged.");
        }
    }

    private (int Disk, long Offset)[] ReadFooter(Guid tag)
    {
        var header = new byte[64];
        if (_file.Read(0, header) < 64 || BinaryPrimitives.ReadUInt32LittleEndian(header) != LayerFile.Magic
            || header[4] != 1
            || BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(60)) != Crc32C.Compute(header.AsSpan(0, 60))
            || BinaryPrimitives.ReadUInt32LittleEndian(header.AsSpan(12)) != Info.File
            || new Guid(header.AsSpan(44, 16), bigEndian: true) != tag
            || BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(20)) != Info.Pages)
        {
            throw new ReplicaCorruptException($"The header of the index file '{_file.Name}' is damaged.");
        }

        var start = LayerFile.PageSize * (1L + Info.Pages);
        var footer = new byte[Math.Max(0, _file.Length - start)];
        if (_file.Read(start, footer) < footer.Length || footer.Length < 4
            || LayerFile.Seal(Info.File, uint.MaxValue, footer.AsSpan(0, footer.Length - 4)) != Info.FooterCrc)
        {
            throw new ReplicaCorruptException($"The footer of the index file '{_file.Name}' is damaged.");
        }

        return Parse(new WireReader(footer, $"'{_file.Name}'"), header);
    }

    private (int Disk, long Offset)[] Parse(WireReader reader, byte[] header)
    {
        var fences = new (int, long)[Info.Pages];
        for (var i = 0; i < fences.Length; i++)
        {
            var offset = reader.I64();
            fences[i] = ((int)reader.U32(), offset);
            reader.U32();
        }

        for (var i = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(36)); i > 0; i--)
        {
            var disk = (int)reader.U32();
            reader.U32();
            _wide.Add(new WideZero(disk, reader.I64(), reader.I64()));
        }

        for (var i = BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(40)); i > 0; i--)
        {
            var segment = reader.U32();
            reader.U32();
            Segments.Add(segment, reader.I64());
        }

        return fences;
    }
}

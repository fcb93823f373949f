using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Extents;

/// <summary>Writes an index file, extent by extent in order. The file is synced, but its name is not.</summary>
internal sealed class LayerFileWriter : IDisposable
{
    private readonly IStorageFile _file;
    private readonly uint _number;
    private readonly uint _owner;
    private readonly Guid _tag;
    private readonly byte[] _page = new byte[LayerFile.PageSize];
    private readonly WireWriter _fences = new();
    private readonly SortedDictionary<uint, long> _segments = [];
    private int _inPage;
    private int _pages;
    private long _entries;

    public LayerFileWriter(IStorageDirectory directory, Guid tag, uint owner, uint number)
    {
        (_tag, _owner, _number) = (tag, owner, number);
        _file = directory.Open(FileNames.Layer(owner, number), StorageOpen.New);
    }

    public void Add(long key, in Extent extent)
    {
        var (disk, region) = (Region.DiskOf(key), Region.RegionOf(key));
        if (_inPage == 0)
        {
            _fences.I64(Region.StartOf(region) + extent.Start).U32((uint)disk).U32(0);
        }

        LayerFile.WriteEntry(_page.AsSpan(LayerFile.PageHeader + (_inPage * LayerFile.EntrySize)), disk, region,
            extent);
        _entries++;
        if (!extent.IsZero)
        {
            _segments[extent.Segment] = _segments.GetValueOrDefault(extent.Segment) + extent.Length;
        }

        if (++_inPage == LayerFile.EntriesPerPage)
        {
            EndPage();
        }
    }

    /// <summary>Completes the file and returns its entry for the manifest.</summary>
    public LayerInfo Finish(long from, long to, IReadOnlyList<WideZero> wide)
    {
        EndPage();
        var footer = new WireWriter();
        footer.Write(_fences.Written);
        foreach (var run in wide)
        {
            footer.U32((uint)run.Disk).U32(0).I64(run.First).I64(run.Last);
        }

        foreach (var (segment, bytes) in _segments)
        {
            footer.U32(segment).U32(0).I64(bytes);
        }

        var crc = LayerFile.Seal(_number, uint.MaxValue, footer.Written);
        footer.U32(crc);
        _file.Write(LayerFile.PageSize * (1L + _pages), footer.Written);
        _file.Write(0, Header(wide.Count));
        _file.Sync();
        return new LayerInfo(from, to, _number, _owner, _pages, crc);
    }

    public void Dispose() => _file.Dispose();

    private byte[] Header(int wide)
    {
        var header = new byte[LayerFile.PageSize];
        BinaryPrimitives.WriteUInt32LittleEndian(header, LayerFile.Magic);
        header[4] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(12), _number);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), _owner);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(20), _pages);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(24), _entries);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(32), _pages);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(36), wide);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(40), _segments.Count);
        _tag.TryWriteBytes(header.AsSpan(44), bigEndian: true, out _);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(60), Crc32C.Compute(header.AsSpan(0, 60)));
        return header;
    }

    private void EndPage()
    {
        if (_inPage == 0)
        {
            return;
        }

        BinaryPrimitives.WriteInt32LittleEndian(_page.AsSpan(4), _inPage);
        var crc = LayerFile.Seal(_number, (uint)_pages, _page.AsSpan(4));
        BinaryPrimitives.WriteUInt32LittleEndian(_page, crc);
        _file.Write(LayerFile.PageSize * (1L + _pages), _page);
        _pages++;
        _inPage = 0;
        Array.Clear(_page);
    }
}

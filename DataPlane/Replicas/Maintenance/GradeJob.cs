using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.DataPlane.Replicas.Hashes;
using ReplicationEngine.DataPlane.Replicas.Views;

namespace ReplicationEngine.DataPlane.Replicas.Maintenance;

/// <summary>
/// Computes a point's content digest page by page (64 blocks of 64 KiB), reads only blocks that changed since their
/// hash was taken, and stores the hashes on file for the next point.
/// </summary>
internal sealed class GradeJob : IDisposable
{
    private readonly LayerStack _content;
    private readonly long _layer;
    private readonly LayeredReader _view;
    private readonly IReadOnlyList<long> _sizesNow;
    private readonly byte[] _buffer = new byte[IReplicaSink.HashBlockSize];
    private readonly List<byte[]> _disks = [];
    private IncrementalHash? _disk;
    private long _page;

    public GradeJob(LayerStack content, RecoveryPoint point, long layer)
    {
        (_content, Point, _layer) = (content, point, layer);
        (_view, _sizesNow) = (content.ViewAt(layer), content.DiskSizes);
    }

    public RecoveryPoint Point { get; }

    /// <summary>The digest, after the last step.</summary>
    public byte[] Digest => ContentDigest.Root(_disks);

    /// <summary>Processes one page; false when the digest is complete. Requires the gate's read side.</summary>
    public bool Step()
    {
        var disk = _disks.Count;
        if (disk == Point.DiskSizes.Count)
        {
            return false;
        }

        var size = Point.DiskSizes[disk];
        _disk ??= ContentDigest.Begin(size);
        _disk.AppendData(PageDigest(disk, size));
        if (++_page == ContentDigest.Pages(size))
        {
            _disks.Add(_disk.GetHashAndReset());
            _disk.Dispose();
            (_disk, _page) = (null, 0);
        }

        return true;
    }

    public void Dispose() => _disk?.Dispose();

    private byte[] PageDigest(int disk, long size)
    {
        var hashes = new byte[BlockHashes.BlocksPerPage * BlockHashes.HashSize];
        var count = ContentDigest.BlocksIn(size, _page);
        var valid = 0UL;
        for (var i = 0; i < count; i++)
        {
            var block = (_page * BlockHashes.BlocksPerPage) + i;
            var (length, lengthNow) = (ContentDigest.LengthOf(size, block),
                ContentDigest.LengthOf(_sizesNow[disk], block));
            if (length != lengthNow || !TryNoted(disk, block, out var hash))
            {
                hash = _content.Hashes.HashOf(_view, _layer, disk, block, (length, lengthNow), _buffer);
            }

            hash.Write(hashes.AsSpan(i * BlockHashes.HashSize));
            valid |= length == lengthNow ? 1UL << i : 0;
        }

        KeepIfNewer(disk, new HashPage(_layer, valid, hashes));
        return SHA256.HashData(hashes.AsSpan(0, count * BlockHashes.HashSize));
    }

    /// <summary>Finds a noted hash if no layer above the point's has touched the block.</summary>
    private bool TryNoted(int disk, long block, out Hash256 hash)
    {
        var region = Region.Of(block * IReplicaSink.HashBlockSize);
        return _content.Hashes.TryNoted(disk, block, out hash)
            && !_content.MayTouchAbove(_layer, disk, region, region);
    }

    private void KeepIfNewer(int disk, HashPage page)
    {
        var file = _content.Hashes[disk];
        var old = file.Page(_page);
        if (old.Layer < page.Layer && (old.Known != page.Known || !old.Hashes.Span.SequenceEqual(page.Hashes.Span)))
        {
            file.Put(_page, page);
        }
    }
}

using System.Runtime.InteropServices;
using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Hashes;

/// <summary>A SHA-256 hash.</summary>
internal readonly record struct Hash256(ulong A, ulong B, ulong C, ulong D)
{
    public static Hash256 Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<Hash256>(bytes);

    public static Hash256 Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[BlockHashes.HashSize];
        SHA256.HashData(content, hash);
        return Read(hash);
    }

    public void Write(Span<byte> target) => MemoryMarshal.Write(target, this);
}

/// <summary>
/// The block hashes of a store: those on file, as they were at the end of durable layers, and those noted for the
/// newest content, in memory only. Notes are changed under the log's gate: removed under its write side when a block
/// changes, added under its read side.
/// </summary>
internal sealed class HashBook : IDisposable
{
    private const int MostNoted = 1 << 18;
    private static readonly Hash256 s_zeroBlock = Hash256.Of(new byte[IReplicaSink.HashBlockSize]);

    private readonly Lock _lock = new();
    private readonly List<BlockHashes> _files = [];
    private readonly Dictionary<long, Hash256> _noted = [];
    private readonly HashSet<long> _arrived = [];

    public HashBook(IStorageDirectory directory, int disks, long epoch)
    {
        for (var i = 0; i < disks; i++)
        {
            _files.Add(new BlockHashes(i, directory.Open(FileNames.Hashes(i), StorageOpen.Any)) { Epoch = epoch });
        }
    }

    public BlockHashes this[int disk] => _files[disk];

    public static Hash256 ZeroHash(int length) =>
        length == IReplicaSink.HashBlockSize ? s_zeroBlock : Hash256.Of(new byte[length]);

    /// <summary>Notes the hash of a block of the newest content.</summary>
    public void Note(int disk, long block, in Hash256 hash)
    {
        lock (_lock)
        {
            if (_noted.Count >= MostNoted)
            {
                _noted.Clear();
            }

            _noted[Region.Key(disk, block)] = hash;
        }
    }

    /// <summary>
    /// Records that whole blocks of a range arrived from the source; their hashes may be noted until they change.
    /// </summary>
    public void Arrived(int disk, long offset, long length)
    {
        const int size = IReplicaSink.HashBlockSize;
        lock (_lock)
        {
            if (_arrived.Count >= MostNoted)
            {
                _arrived.Clear();
            }

            // A range from a block's start to the disk's end is a whole block too, but the disk's size is unknown here.
            // So a short last block is left out and computed on request.
            for (var block = (offset + size - 1) / size; (block + 1) * size <= offset + length; block++)
            {
                _arrived.Add(Region.Key(disk, block));
            }
        }
    }

    /// <summary>Notes the hash of a block that has arrived and not changed since; other blocks are ignored.</summary>
    public void NoteArrived(int disk, long block, in Hash256 hash)
    {
        lock (_lock)
        {
            if (_arrived.Remove(Region.Key(disk, block)) && _noted.Count < MostNoted)
            {
                _noted[Region.Key(disk, block)] = hash;
            }
        }
    }

    public bool TryNoted(int disk, long block, out Hash256 hash)
    {
        lock (_lock)
        {
            return _noted.TryGetValue(Region.Key(disk, block), out hash);
        }
    }

    /// <summary>Records that the blocks of a range have changed.</summary>
    public void Changed(int disk, long offset, long length)
    {
        lock (_lock)
        {
            var (first, last) = (offset / IReplicaSink.HashBlockSize,
                (offset + length - 1) / IReplicaSink.HashBlockSize);
            if (last - first > 1024 && last - first > _noted.Count + _arrived.Count)
            {
                _noted.Clear();
                _arrived.Clear();
                return;
            }

            for (var block = first; block <= last && _noted.Count + _arrived.Count > 0; block++)
            {
                _noted.Remove(Region.Key(disk, block));
                _arrived.Remove(Region.Key(disk, block));
            }
        }
    }

    public void Forget()
    {
        lock (_lock)
        {
            _noted.Clear();
            _arrived.Clear();
        }
    }

    /// <summary>
    /// Returns the hash of a block as a reader sees it: from file if no newer layer touched it, otherwise from its
    /// bytes. Requires the gate's read side.
    /// </summary>
    /// <param name="reader">The view of the content.</param>
    /// <param name="cut">The newest layer that the view sees.</param>
    /// <param name="disk">The index of the disk.</param>
    /// <param name="block">The index of the block.</param>
    /// <param name="length">The block's length in that view.</param>
    /// <param name="buffer">A buffer of at least that length.</param>
    /// <exception cref="DamagedRangeException">The bytes cannot be read.</exception>
    public Hash256 HashOf(LayeredReader reader, long cut, int disk, long block, (int InView, int Now) length,
        byte[] buffer)
    {
        var offset = block * IReplicaSink.HashBlockSize;
        var newest = reader.NewestLayer(disk, offset, length.InView, out var zero);
        if (zero)
        {
            return ZeroHash(length.InView);
        }

        var page = _files[disk].Page(block / BlockHashes.BlocksPerPage);
        var within = (int)(block % BlockHashes.BlocksPerPage);
        if (length.InView == length.Now && page.Knows(within) && newest <= page.Layer && page.Layer <= cut)
        {
            return Hash256.Read(page.Hash(within).Span);
        }

        reader.ReadLocked(disk, offset, buffer.AsSpan(0, length.InView));
        return Hash256.Of(buffer.AsSpan(0, length.InView));
    }

    /// <summary>Transfers the hashes that the dropped layers above a cut did not touch into the new epoch.</summary>
    public void Rebase(long epoch, long cut, IReadOnlyList<ILayer> dropped, IReadOnlyList<long> sizes)
    {
        const int regionsPerPage = BlockHashes.BlocksPerPage * IReplicaSink.HashBlockSize / Region.Size;
        const int blocksPerRegion = Region.Size / IReplicaSink.HashBlockSize;
        Forget();
        for (var disk = 0; disk < _files.Count; disk++)
        {
            for (var number = 0L; number < ContentDigest.Pages(sizes[disk]); number++)
            {
                _files[disk].Epoch = epoch - 1;
                var page = _files[disk].Page(number);
                if (page.Known == 0)
                {
                    continue;
                }

                var known = page.Known;
                for (var i = 0; i < regionsPerPage && known != 0 && page.Layer > cut; i++)
                {
                    var region = (number * regionsPerPage) + i;
                    if (dropped.Any(l => l.MayTouch(disk, region, region)))
                    {
                        known &= ~(0xFUL << (i * blocksPerRegion));
                    }
                }

                _files[disk].Epoch = epoch;
                _files[disk].Put(number, page with { Known = known, Layer = Math.Min(page.Layer, cut) });
            }
        }
    }

    /// <summary>
    /// Removes the hashes of the blocks that a layer touched, before that layer, which is in the base, is dropped.
    /// Durable on return.
    /// </summary>
    public void Outdate(ILayer layer)
    {
        const int blocksPerRegion = Region.Size / IReplicaSink.HashBlockSize;
        foreach (var key in layer.RegionKeys())
        {
            var block = Region.RegionOf(key) * blocksPerRegion;
            _files[Region.DiskOf(key)].Outdate(
                block / BlockHashes.BlocksPerPage, 0xFUL << (int)(block % BlockHashes.BlocksPerPage), layer.To);
        }

        foreach (var run in layer.WideZeroes)
        {
            OutdateRun(run.Disk, run.First * blocksPerRegion, ((run.Last + 1) * blocksPerRegion) - 1, layer.To);
        }

        _files.ForEach(f => f.Sync());
    }

    /// <summary>
    /// Discards the hash of a grown disk's last block if that was short, because its content has changed. Durable on
    /// return.
    /// </summary>
    public void Grow(int disk, long oldSize)
    {
        if (oldSize % IReplicaSink.HashBlockSize != 0)
        {
            var block = oldSize / IReplicaSink.HashBlockSize;
            OutdateRun(disk, block, block, long.MaxValue);
            _files[disk].Sync();
            Changed(disk, oldSize - 1, 1);
        }
    }

    /// <summary>
    /// Discards the hashes of a range whose stored bytes were found damaged. They are true of bytes that no longer
    /// exist and would keep a resync from sending them again.
    /// </summary>
    public void Distrust(DiskRange range)
    {
        OutdateRun(
            range.Disk, range.Offset / IReplicaSink.HashBlockSize,
            (range.Offset + range.Length - 1) / IReplicaSink.HashBlockSize, long.MaxValue);
        Changed(range.Disk, range.Offset, range.Length);
    }

    public void Dispose() => _files.ForEach(f => f.Dispose());

    private void OutdateRun(int disk, long first, long last, long layer)
    {
        for (var block = first; block <= last;)
        {
            var within = (int)(block % BlockHashes.BlocksPerPage);
            var count = (int)Math.Min(BlockHashes.BlocksPerPage - within, last - block + 1);
            var mask = count == 64 ? ulong.MaxValue : ((1UL << count) - 1) << within;
            _files[disk].Outdate(block / BlockHashes.BlocksPerPage, mask, layer);
            block += count;
        }
    }
}

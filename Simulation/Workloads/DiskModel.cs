using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.Simulation.Workloads;

/// <summary>A write as the model of a disk records it.</summary>
/// <param name="After">The newest logged number before the write, or the write's own number if it was logged.</param>
/// <param name="Logged">Whether the replication log contains the write.</param>
/// <param name="First">The first sector of the write, counted over the hot ranges.</param>
/// <param name="Hashes">The hash of each written sector's new content.</param>
/// <param name="At">The virtual time at which the write was acknowledged.</param>
/// <param name="Adopted">Whether the write was found on the disk after a crash, without an acknowledgement.</param>
internal sealed record ModelWrite(
    long After, bool Logged, int First, ulong[] Hashes, TimeSpan At, bool Adopted = false);

/// <summary>
/// The independent model of a VM's disks. It holds, for each 512-byte sector of the ranges that guests write (the hot
/// ranges), a hash of the content, the list of acknowledged writes, and the contents that a power cut may bring back.
/// It knows nothing of the engine but the numbers that the splitter reports for writes.
/// </summary>
internal sealed class DiskModel
{
    private readonly ulong[] _start;
    private readonly Dictionary<int, List<ulong>> _sinceFlush = [];
    private readonly Dictionary<long, ModelWrite> _byNumber = [];
    private readonly Dictionary<int, HashSet<ulong>> _maybe = [];
    private readonly List<ModelWrite> _underWay = [];

    public DiskModel(int sectors)
        : this(new ulong[sectors])
    {
    }

    private DiskModel(ulong[] start) => (_start, Current) = (start, (ulong[])start.Clone());

    /// <summary>The hash of each sector's last acknowledged content.</summary>
    public ulong[] Current { get; }

    /// <summary>Every acknowledged write, in order. Writes that were adopted after a crash are included.</summary>
    public List<ModelWrite> Writes { get; } = [];

    /// <summary>The sectors of writes that were in progress when their process died.</summary>
    public HashSet<int> InDoubt { get; } = [];

    /// <summary>Returns a hash of the 512 bytes of a sector; zero when all bytes are zero.</summary>
    public static ulong HashOf(ReadOnlySpan<byte> sector)
    {
        var hash = 0UL;
        for (var at = 0; at < sector.Length; at += 8)
        {
            hash = (hash ^ BinaryPrimitives.ReadUInt64LittleEndian(sector[at..])) * 0x9E3779B97F4A7C15;
            hash ^= hash >> 29;
        }

        return hash;
    }

    /// <summary>Returns the hashes of whole sectors.</summary>
    public static ulong[] HashesOf(ReadOnlySpan<byte> data)
    {
        var hashes = new ulong[data.Length / 512];
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = HashOf(data.Slice(i * 512, 512));
        }

        return hashes;
    }

    /// <summary>Returns a new model that begins with this content.</summary>
    public static DiskModel From(ulong[] content) => new((ulong[])content.Clone());

    /// <summary>
    /// Returns a model of the same disks that continues with new content. In sectors written since the last flush, a
    /// power cut may still bring back earlier content. After a failed sync those sectors stay in doubt: the engine need
    /// not bring their content to the medium later, because the log that could do so no longer exists.
    /// </summary>
    public DiskModel GoesOnFrom(ulong[] content, bool syncFailed)
    {
        var model = From(content);
        foreach (var (sector, older) in _sinceFlush)
        {
            model._sinceFlush[sector] = [.. older, Current[sector]];
        }

        foreach (var (sector, hashes) in _maybe)
        {
            model.MayStand(sector, hashes);
        }

        if (syncFailed)
        {
            model.InDoubt.UnionWith(_sinceFlush.Keys);
            model.InDoubt.UnionWith(InDoubt);
        }

        return model;
    }

    /// <summary>
    /// Records writes that have their numbers and are not acknowledged yet. The logged ones are in the log, and so in
    /// every recovery point above them.
    /// </summary>
    public void Entered(IEnumerable<ModelWrite> writes)
    {
        foreach (var write in writes.Where(w => w.Logged))
        {
            _underWay.Add(write);
            _byNumber[write.After] = write;
        }
    }

    /// <summary>
    /// Records that the process died while these writes were in progress. The logged ones are in the log. On the disk
    /// each may be there in full, in part or not at all.
    /// </summary>
    public void Abandoned(IEnumerable<ModelWrite> writes)
    {
        foreach (var write in writes)
        {
            InDoubt.UnionWith(Enumerable.Range(write.First, write.Hashes.Length));
            Failed(write.First, write.Hashes);
            if (_underWay.Remove(write))
            {
                Writes.Add(write with { Adopted = true });
            }
        }
    }

    /// <summary>Returns the content that the log holds so far, including writes that are not acknowledged.</summary>
    public ulong[] InLog()
    {
        var content = (ulong[])Current.Clone();
        _underWay.ForEach(write => write.Hashes.CopyTo(content, write.First));
        return content;
    }

    /// <summary>
    /// Records an acknowledged write. A power cut cannot lose it if it is <paramref name="durable"/>.
    /// </summary>
    public void Wrote(ModelWrite write, bool durable = false)
    {
        for (var i = 0; i < write.Hashes.Length; i++)
        {
            Remember(write.First + i, write.Hashes[i]);
            if (durable)
            {
                _sinceFlush.Remove(write.First + i);
            }
        }

        _underWay.RemoveAll(w => w.Logged && w.After == write.After);
        Writes.Add(write);
        if (write.Logged)
        {
            _byNumber[write.After] = write;
        }
    }

    /// <summary>
    /// Records a write that failed with an error of the disk. Until the next write the sectors may hold its content, or
    /// their earlier content.
    /// </summary>
    public void Failed(int first, ulong[] hashes)
    {
        for (var i = 0; i < hashes.Length; i++)
        {
            MayStand(first + i, [hashes[i]]);
        }
    }

    private void MayStand(int sector, IReadOnlyCollection<ulong> hashes)
    {
        if (!_maybe.TryGetValue(sector, out var known))
        {
            _maybe[sector] = known = [];
        }

        known.UnionWith(hashes);
    }

    /// <summary>Returns the logged write with a number; null when there is none.</summary>
    public ModelWrite? Find(long number) => _byNumber.GetValueOrDefault(number);

    /// <summary>Records an acknowledged flush: no power cut brings back content from before it.</summary>
    public void Flushed() => _sinceFlush.Clear();

    /// <summary>Returns whether a sector may hold this content now, also after the death of the process.</summary>
    public bool MayHold(int sector, ulong hash) => Current[sector] == hash || InDoubt.Contains(sector)
        || (_maybe.TryGetValue(sector, out var known) && known.Contains(hash));

    /// <summary>
    /// Returns a text on the sectors whose content the model does not allow; null when it allows all.
    /// </summary>
    public string? Difference(ulong[] actual)
    {
        var sectors = Enumerable.Range(0, actual.Length).Where(i => !MayHold(i, actual[i])).ToArray();
        return sectors.Length == 0 ? null : $"{sectors.Length} sectors, the first is {sectors[0]}";
    }

    /// <summary>Returns whether a sector may hold this content after a power cut.</summary>
    public bool MayHoldAfterCut(int sector, ulong hash) => MayHold(sector, hash)
        || (_sinceFlush.TryGetValue(sector, out var older) && older.Contains(hash));

    /// <summary>Takes the real content of the disks after a crash as the model's content.</summary>
    public void Adopt(ulong[] actual, long after, TimeSpan at)
    {
        for (var i = 0; i < actual.Length; i++)
        {
            if (actual[i] != Current[i] || InDoubt.Contains(i))
            {
                Remember(i, actual[i]);
                Writes.Add(new ModelWrite(after, InDoubt.Contains(i), i, [actual[i]], at, Adopted: true));
            }
        }

        InDoubt.Clear();
        _maybe.Clear();
    }

    /// <summary>Returns the content after exactly the writes up to a number.</summary>
    public ulong[] UpTo(long lsn)
    {
        var content = (ulong[])_start.Clone();
        foreach (var write in Writes.Concat(_underWay))
        {
            if (write.After < lsn || (write.Logged && write.After == lsn))
            {
                write.Hashes.CopyTo(content, write.First);
            }
        }

        return content;
    }

    private void Remember(int sector, ulong hash)
    {
        if (!_sinceFlush.TryGetValue(sector, out var older))
        {
            _sinceFlush[sector] = older = [];
        }

        older.Add(Current[sector]);
        if (_maybe.Remove(sector, out var maybe))
        {
            older.AddRange(maybe);
        }

        Current[sector] = hash;
    }
}

/// <summary>The disks of a simulated VM, and the ranges of them that guests write (the hot ranges).</summary>
internal sealed class DiskShape
{
    private const int Sector = 512;

    /// <summary>
    /// The buffer into which a hot range is read, once a minute. It is reused because it is too large for the garbage
    /// collector's youngest generation.
    /// </summary>
    [ThreadStatic]
    private static byte[]? t_range;

    private readonly List<(int Disk, long Offset, int Length)> _hot = [];

    public DiskShape(IReadOnlyList<long> sizes, int hotBytes)
    {
        Sizes = sizes;
        for (var disk = 0; disk < sizes.Count; disk++)
        {
            for (long at = 0; at < sizes[disk]; at += DataPlane.Changes.DirtyExtent.Size)
            {
                // All ranges but the first lie across a border of two extents, so that one write can touch both.
                var from = at - (at == 0 ? 0 : hotBytes / 2);
                _hot.Add((disk, from, (int)Math.Min(hotBytes, sizes[disk] - from)));
            }
        }

        Sectors = _hot.Sum(h => h.Length) / Sector;
    }

    /// <summary>The sizes of the disks in bytes.</summary>
    public IReadOnlyList<long> Sizes { get; }

    /// <summary>The number of hot sectors.</summary>
    public int Sectors { get; }

    /// <summary>The hot ranges of all disks.</summary>
    public IReadOnlyList<(int Disk, long Offset, int Length)> Hot => _hot;

    /// <summary>
    /// Returns the disk and offset of a hot sector, and the number of sectors from it to the end of its range.
    /// </summary>
    public (int Disk, long Offset, int Left) Place(int sector)
    {
        foreach (var (disk, offset, length) in _hot)
        {
            if (sector < length / Sector)
            {
                return (disk, offset + ((long)sector * Sector), (length / Sector) - sector);
            }

            sector -= length / Sector;
        }

        throw new ArgumentOutOfRangeException(nameof(sector));
    }

    /// <summary>Returns the number of a hot sector; -1 for a sector outside the hot ranges.</summary>
    public int NumberOf(int disk, long offset)
    {
        var number = 0;
        foreach (var (d, start, length) in _hot)
        {
            if (d == disk && offset >= start && offset < start + length)
            {
                return number + (int)((offset - start) / Sector);
            }

            number += length / Sector;
        }

        return -1;
    }

    /// <summary>Reads the hot ranges of disks and returns the hash of each sector.</summary>
    public ulong[] Read(Func<int, IBlockDevice> disk)
    {
        var result = new ulong[Sectors];
        var number = 0;
        foreach (var (d, offset, length) in _hot)
        {
            var buffer = t_range is { } kept && kept.Length >= length ? kept : t_range = new byte[length];
            disk(d).Read(offset, buffer.AsSpan(0, length));
            for (var at = 0; at < length; at += Sector)
            {
                result[number++] = DiskModel.HashOf(buffer.AsSpan(at, Sector));
            }
        }

        return result;
    }
}

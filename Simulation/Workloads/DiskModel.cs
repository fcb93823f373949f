using System.Buffers.Binary;
using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.Simulation.Workloads;

/// <summary>A write as the model keeps it.</summary>
/// <param name="After">The newest logged number before it, or its own when it was logged.</param>
/// <param name="Logged">Whether the log carries it.</param>
/// <param name="First">The first sector, counted over the hot ranges.</param>
/// <param name="Hashes">What each sector holds then.</param>
/// <param name="At">When it was acknowledged (virtual time).</param>
/// <param name="Adopted">Nobody acknowledged it: it was found on the disk after a crash.</param>
internal sealed record ModelWrite(
    long After, bool Logged, int First, ulong[] Hashes, TimeSpan At, bool Adopted = false);

/// <summary>
/// The independent model of a VM's disks: for each 512-byte sector of the ranges that guests write (the hot ranges) a
/// hash of its content, the list of acknowledged writes, and what a power cut may bring back. It knows nothing of the
/// engine but the numbers that the splitter says it gave.
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

    /// <summary>What was acknowledged last, sector by sector.</summary>
    public ulong[] Current { get; }

    /// <summary>Every acknowledged write, in order.</summary>
    public List<ModelWrite> Writes { get; } = [];

    /// <summary>Sectors of a write that was under way when its process died.</summary>
    public HashSet<int> InDoubt { get; } = [];

    /// <summary>A hash of 512 bytes; zero for zeroes.</summary>
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

    /// <summary>The hashes of whole sectors.</summary>
    public static ulong[] HashesOf(ReadOnlySpan<byte> data)
    {
        var hashes = new ulong[data.Length / 512];
        for (var i = 0; i < hashes.Length; i++)
        {
            hashes[i] = HashOf(data.Slice(i * 512, 512));
        }

        return hashes;
    }

    /// <summary>A model that begins with this content.</summary>
    public static DiskModel From(ulong[] content) => new((ulong[])content.Clone());

    /// <summary>A model that goes on from this content over the same disks: a power cut may still bring back what is
    /// not flushed. Where a sync failed, nothing that the engine does later need bring it to the medium, since the log
    /// that could is not there any more.</summary>
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

    /// <summary>Writes that have their numbers and are not acknowledged yet: what is logged stands in the log, and so
    /// in every point above it.</summary>
    public void Entered(IEnumerable<ModelWrite> writes)
    {
        foreach (var write in writes.Where(w => w.Logged))
        {
            _underWay.Add(write);
            _byNumber[write.After] = write;
        }
    }

    /// <summary>The process died with these writes under way: they stand in the log, when they are logged, and on the
    /// disk in part or not at all.</summary>
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

    /// <summary>What the log carries so far: acknowledged or not.</summary>
    public ulong[] InLog()
    {
        var content = (ulong[])Current.Clone();
        _underWay.ForEach(write => write.Hashes.CopyTo(content, write.First));
        return content;
    }

    /// <summary>An acknowledged write; <paramref name="durable"/> when it cannot be lost by a power cut.</summary>
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
    /// A write was answered with an error of the disk: until the next one the sectors may hold it, or what they held.
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

    /// <summary>The write of a number.</summary>
    public ModelWrite? Find(long number) => _byNumber.GetValueOrDefault(number);

    /// <summary>An acknowledged flush: nothing before it can come back.</summary>
    public void Flushed() => _sinceFlush.Clear();

    /// <summary>Whether a sector may hold this now, and after the death of the process.</summary>
    public bool MayHold(int sector, ulong hash) => Current[sector] == hash || InDoubt.Contains(sector)
        || (_maybe.TryGetValue(sector, out var known) && known.Contains(hash));

    /// <summary>Where content differs from what the model allows; null when it does not.</summary>
    public string? Difference(ulong[] actual)
    {
        var sectors = Enumerable.Range(0, actual.Length).Where(i => !MayHold(i, actual[i])).ToArray();
        return sectors.Length == 0 ? null : $"{sectors.Length} sectors, the first is {sectors[0]}";
    }

    /// <summary>Whether a sector may hold this after a power cut.</summary>
    public bool MayHoldAfterCut(int sector, ulong hash) => MayHold(sector, hash)
        || (_sinceFlush.TryGetValue(sector, out var older) && older.Contains(hash));

    /// <summary>Takes what the disk really holds after a crash as what it holds.</summary>
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

    /// <summary>The content with exactly the writes up to a number.</summary>
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

/// <summary>The disks of a simulated VM and the ranges of them that guests write.</summary>
internal sealed class DiskShape
{
    private const int Sector = 512;

    /// <summary>A hot range is read each minute, and is too large for the youngest generation.</summary>
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
                // All but the first lie across a border, so that a write can touch two extents.
                var from = at - (at == 0 ? 0 : hotBytes / 2);
                _hot.Add((disk, from, (int)Math.Min(hotBytes, sizes[disk] - from)));
            }
        }

        Sectors = _hot.Sum(h => h.Length) / Sector;
    }

    /// <summary>The disks' sizes.</summary>
    public IReadOnlyList<long> Sizes { get; }

    /// <summary>How many sectors are hot.</summary>
    public int Sectors { get; }

    /// <summary>The hot ranges.</summary>
    public IReadOnlyList<(int Disk, long Offset, int Length)> Hot => _hot;

    /// <summary>Where a hot sector lies, and how many follow it in its range.</summary>
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

    /// <summary>The number of a hot sector; -1 for a cold one.</summary>
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

    /// <summary>Reads what disks hold in the hot ranges.</summary>
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

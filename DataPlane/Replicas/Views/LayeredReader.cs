using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Bases;
using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.DataPlane.Replicas.Segments;

namespace ReplicationEngine.DataPlane.Replicas.Views;

/// <summary>The content below a stack of layers.</summary>
internal interface ILower
{
    void Read(int disk, long offset, Span<byte> destination);

    /// <summary>Returns the first run that is all zero, or not all zero, from an offset.</summary>
    (long Length, bool IsZero) NextRun(int disk, long offset, long length);
}

/// <summary>The base image as the content below the layers.</summary>
internal sealed class BaseLower(BaseImage image) : ILower
{
    public void Read(int disk, long offset, Span<byte> destination) => image[disk].Read(offset, destination);

    public (long Length, bool IsZero) NextRun(int disk, long offset, long length) =>
        image[disk].NextRun(offset, length);
}

/// <summary>
/// Reads a stack of layers up to a cut, over the content below. For a fixed cut it caches its look-ups, for 4,096
/// regions (at most 10 MiB), until the index's structure changes. Safe to call from several threads.
/// </summary>
internal sealed class LayeredReader(RedoLog log, long cut, RecordReader records, ILower lower) : ILower
{
    private const int Slots = 4096;
    private const int MostRegionsPerRun = 4096;

    [ThreadStatic]
    private static Stack<List<Piece>>? t_lists;

    private readonly Remembered?[]? _remembered = cut == long.MaxValue ? null : new Remembered?[Slots];

    public void Read(int disk, long offset, Span<byte> destination)
    {
        log.Gate.EnterReadLock();
        try
        {
            ReadLocked(disk, offset, destination);
        }
        finally
        {
            log.Gate.ExitReadLock();
        }
    }

    /// <summary>
    /// Reads a range like <see cref="Read"/>, for a caller that holds the gate or is the only one that changes the log.
    /// </summary>
    public void ReadLocked(int disk, long offset, Span<byte> destination)
    {
        for (var done = 0; done < destination.Length;)
        {
            var at = offset + done;
            var region = Region.Of(at);
            var from = (int)(at - Region.StartOf(region));
            var to = (int)Math.Min(Region.Size, from + (long)(destination.Length - done));
            var target = destination.Slice(done, to - from);
            var list = Rent();
            try
            {
                Pieces(disk, region, from, to, list);
                foreach (var piece in list)
                {
                    ReadPiece(disk, region, piece, target.Slice(piece.Extent.Start - from, piece.Extent.Length));
                }
            }
            finally
            {
                Return(list);
            }

            done += to - from;
        }
    }

    /// <summary>Adds the pieces of a part of a region, in order; requires the gate.</summary>
    public void Pieces(int disk, long region, int from, int to, List<Piece> target)
    {
        try
        {
            if (_remembered is null)
            {
                RegionResolver.Instance.Resolve(log.Layers, cut, disk, region, (from, to), target);
                return;
            }

            var whole = Remember(disk, region);
            for (var i = FirstEndingAfter(whole, from); i < whole.Length && whole[i].Extent.Start < to; i++)
            {
                var extent = whole[i].Extent;
                var (start, end) = (Math.Max(from, extent.Start), Math.Min(to, extent.End));
                target.Add(whole[i] with { Extent = extent.Slice(start, end) });
            }
        }
        catch (ReplicaCorruptException e)
        {
            var range = new DiskRange(disk, Region.StartOf(region) + from, to - from);
            throw new DamagedRangeException(range, place: null, e);
        }
    }

    /// <summary>Returns the newest layer that changed any byte of a range, 0 for none; requires the gate.</summary>
    public long NewestLayer(int disk, long offset, int length, out bool allZero)
    {
        var newest = 0L;
        allZero = true;
        for (var at = offset; at < offset + length;)
        {
            var region = Region.Of(at);
            var from = (int)(at - Region.StartOf(region));
            var to = (int)Math.Min(Region.Size, from + (offset + length - at));
            var list = Rent();
            try
            {
                Pieces(disk, region, from, to, list);
                foreach (var piece in list)
                {
                    newest = Math.Max(newest, piece.Layer);
                    allZero = allZero && IsZero(disk, region, piece);
                }
            }
            finally
            {
                Return(list);
            }

            at += to - from;
        }

        return newest;
    }

    public (long Length, bool IsZero) NextRun(int disk, long offset, long length)
    {
        log.Gate.EnterReadLock();
        try
        {
            return Run(disk, offset, length);
        }
        finally
        {
            log.Gate.ExitReadLock();
        }
    }

    private (long Length, bool IsZero) Run(int disk, long offset, long length)
    {
        var (at, end, state) = (offset, offset + length, (bool?)null);
        for (var regions = 0; at < end && regions < MostRegionsPerRun; regions++)
        {
            var region = Region.Of(at);
            var from = (int)(at - Region.StartOf(region));
            var to = (int)Math.Min(Region.Size, from + (end - at));
            var list = Rent();
            try
            {
                Pieces(disk, region, from, to, list);
                foreach (var piece in list)
                {
                    var (run, zero) = RunOf(disk, region, piece);
                    state ??= zero;
                    if (zero != state)
                    {
                        return (at - offset, state.Value);
                    }

                    at += run;
                    if (run < piece.Extent.Length)
                    {
                        return (at - offset, zero);
                    }
                }
            }
            finally
            {
                Return(list);
            }
        }

        return (at - offset, state ?? true);
    }

    private (long Length, bool IsZero) RunOf(int disk, long region, in Piece piece) =>
        !piece.Extent.IsBelow ? (piece.Extent.Length, piece.Extent.IsZero)
            : Below(disk, Region.StartOf(region) + piece.Extent.Start, piece.Extent);

    private (long Length, bool IsZero) Below(int disk, long offset, in Extent extent)
    {
        try
        {
            return lower.NextRun(disk, offset, extent.Length);
        }
        catch (ReplicaCorruptException e)
        {
            throw new DamagedRangeException(new DiskRange(disk, offset, extent.Length), extent, e);
        }
    }

    private bool IsZero(int disk, long region, in Piece piece)
    {
        if (!piece.Extent.IsBelow)
        {
            return piece.Extent.IsZero;
        }

        var (run, zero) = Below(disk, Region.StartOf(region) + piece.Extent.Start, piece.Extent);
        return zero && run >= piece.Extent.Length;
    }

    private void ReadPiece(int disk, long region, in Piece piece, Span<byte> target)
    {
        var extent = piece.Extent;
        var offset = Region.StartOf(region) + extent.Start;
        if (extent.IsZero)
        {
            target.Clear();
            return;
        }

        try
        {
            if (extent.IsBelow)
            {
                lower.Read(disk, offset, target);
            }
            else
            {
                records.Read(extent, disk, offset, target);
            }
        }
        catch (ReplicaCorruptException e)
        {
            throw new DamagedRangeException(new DiskRange(disk, offset, extent.Length), extent, e);
        }
    }

    private Piece[] Remember(int disk, long region)
    {
        var key = Region.Key(disk, region);
        ref var slot = ref _remembered![(int)((ulong)(key * unchecked((long)0x9E3779B97F4A7C15UL)) >> 40) & (
            Slots - 1)];
        var known = Volatile.Read(ref slot);
        if (known is not null && known.Key == key && known.Version == log.Version)
        {
            return known.Pieces;
        }

        var list = Rent();
        try
        {
            RegionResolver.Instance.Resolve(log.Layers, cut, disk, region, (0, Region.Size), list);
            known = new Remembered(key, log.Version, [.. list]);
        }
        finally
        {
            Return(list);
        }

        Volatile.Write(ref slot, known);
        return known.Pieces;
    }

    private static int FirstEndingAfter(Piece[] pieces, int place)
    {
        var (low, high) = (0, pieces.Length);
        while (low < high)
        {
            var middle = (low + high) >> 1;
            if (pieces[middle].Extent.End > place)
            {
                high = middle;
            }
            else
            {
                low = middle + 1;
            }
        }

        return low;
    }

    private static List<Piece> Rent() => (t_lists ??= new Stack<List<Piece>>()).TryPop(out var list) ? list : [];

    private static void Return(List<Piece> list)
    {
        list.Clear();
        t_lists!.Push(list);
    }

    private sealed record Remembered(long Key, int Version, Piece[] Pieces);
}

/// <summary>A range of a disk.</summary>
public readonly record struct DiskRange(int Disk, long Offset, long Length);

/// <summary>A range cannot be read because stored bytes do not match their checksums.</summary>
/// <param name="range">The range that cannot be read.</param>
/// <param name="place">The location of the damaged bytes; null if the index itself is damaged.</param>
/// <param name="inner">The checksum error.</param>
internal sealed class DamagedRangeException(DiskRange range, Extent? place, ReplicaCorruptException inner)
    : IOException(inner.Message, inner)
{
    public DiskRange Range { get; } = range;

    public Extent? Place { get; } = place;
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Splitting;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>A disk with a fault built in.</summary>
internal sealed class FaultyDisk(IBlockDevice disk) : IBlockDevice
{
    public int DropsEvery { get; init; }

    public bool FlushesNothing { get; init; }

    public bool FlipsReads { get; init; }

    public bool ReadsDamageAsZeroes { get; init; }

    public bool RefusesWrites { get; init; }

    public bool ForgivesFlushes { get; init; }

    public Counter Writes { get; init; } = new();

    public long Length => disk.Length;

    public bool HasFastZeroes => disk.HasFastZeroes;

    public void Read(long offset, Span<byte> destination)
    {
        try
        {
            disk.Read(offset, destination);
        }
        catch (IOException) when (ReadsDamageAsZeroes)
        {
            destination.Clear();
        }

        if (FlipsReads)
        {
            destination[0] ^= 1;
        }
    }

    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        if (RefusesWrites)
        {
            throw new BlockDeviceException("the log is full", BlockDeviceException.InputOutput);
        }

        if (DropsEvery == 0 || ++Writes.Count % DropsEvery != 0)
        {
            disk.Write(changes);
        }
    }

    public void Flush()
    {
        if (!FlushesNothing && !ForgivesFlushes)
        {
            disk.Flush();
        }
    }

    public void DropCached() => disk.DropCached();

    public AllocatedRun NextRun(long offset, long length) => disk.NextRun(offset, length);

    public void Dispose() => disk.Dispose();

    /// <summary>A count that outlives a disk's handle.</summary>
    internal sealed class Counter
    {
        public int Count { get; set; }
    }
}

/// <summary>A disk that answers every third write before it passed it on, and passes it on behind the next.</summary>
internal sealed class LateDisk : IBlockDevice
{
    private static readonly System.Runtime.CompilerServices.ConditionalWeakTable<SourceVolume, List<LateDisk>> Known =
        [];

    private readonly IBlockDevice _disk;
    private BlockChange? _held;
    private int _writes;

    private LateDisk(IBlockDevice disk) => _disk = disk;

    public long Length => _disk.Length;

    public static IBlockDevice Of(SourceVolume volume, int disk, IBlockDevice device)
    {
        var disks = Known.GetOrCreateValue(volume);
        while (disks.Count <= disk)
        {
            disks.Add(new LateDisk(device));
        }

        return disks[disk];
    }

    public void Read(long offset, Span<byte> destination) => _disk.Read(offset, destination);

    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        if (++_writes % 3 == 0 && _held is null)
        {
            _held = changes[0] with { Data = changes[0].Data.ToArray() };
            return;
        }

        _disk.Write(changes);
        if (_held is { } late)
        {
            _held = null;
            _disk.Write([late]);
        }
    }

    public void Flush() => _disk.Flush();

    public AllocatedRun NextRun(long offset, long length) => _disk.NextRun(offset, length);

    public void Dispose() => _disk.Dispose();
}

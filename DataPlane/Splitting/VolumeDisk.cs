using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>A disk of a volume: its device and size, its change map and its syncs.</summary>
/// <remarks>
/// <b>Locks</b>: device, size and the count of batches change under the order lock. Device and size may be read without
/// it. Map and flush tracker have locks of their own.
/// </remarks>
internal sealed class VolumeDisk(SourceDisk disk, int index, ChangeMap map, long size)
{
    private IBlockDevice _device = disk.Device;
    private long _size = size;

    /// <summary>The index of the disk in the volume.</summary>
    public int Index => index;

    /// <summary>The disk's path, for messages and for the replica.</summary>
    public string Path => disk.Path;

    /// <summary>The device that holds the guest's bytes.</summary>
    public IBlockDevice Device => Volatile.Read(ref _device);

    /// <summary>The protected size in bytes.</summary>
    public long Size => Volatile.Read(ref _size);

    /// <summary>The extents that may differ from the replica.</summary>
    public ChangeMap Map => map;

    /// <summary>The tracker of the device's syncs.</summary>
    public FlushTracker Flushes { get; } = new();

    /// <summary>The number of batches that have been ordered. Under the order lock.</summary>
    public long Batches { get; private set; }

    /// <summary>Whether the disk can be observed.</summary>
    public bool HasLook => disk.Look is not null;

    /// <summary>See <see cref="SourceDisk.TimesAreItsOwn"/>.</summary>
    public bool TimesAreItsOwn => disk.TimesAreItsOwn;

    /// <summary>Returns an observation of the disk; null if it cannot be observed.</summary>
    /// <exception cref="Storage.StorageException">The disk exists, but reports an error.</exception>
    public DiskObservation? Look() => disk.Look?.Invoke();

    /// <summary>Counts a batch. Under the order lock.</summary>
    public void CountBatch() => Batches++;

    /// <summary>Replaces the device by one of another size. Under the order lock, with no change in progress.</summary>
    public void Replace(IBlockDevice device, long bytes)
    {
        Volatile.Write(ref _device, device);
        Volatile.Write(ref _size, bytes);
    }

    /// <summary>Returns the extent with a number; the last one of the disk may be shorter.</summary>
    public DirtyExtent Extent(int number, long version)
    {
        var offset = (long)number * DirtyExtent.Size;
        return new DirtyExtent(index, offset, (int)Math.Min(DirtyExtent.Size, Size - offset), version);
    }

    /// <summary>Returns the bytes of all extents with a mark. Under the order lock.</summary>
    public long BytesOf(ExtentMark mark)
    {
        var bits = map[mark];
        var bytes = (long)bits.Population * DirtyExtent.Size;
        var rest = Size % DirtyExtent.Size;
        return rest != 0 && bits.Count > 0 && bits[bits.Count - 1] ? bytes - DirtyExtent.Size + rest : bytes;
    }
}

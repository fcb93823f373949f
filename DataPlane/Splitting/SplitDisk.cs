using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// A disk of a <see cref="SourceVolume"/> as its guest sees it. Closing it does nothing, because the volume owns it.
/// </summary>
internal sealed class SplitDisk(VolumeDisk disk, GuestWrites writes, DiskFlushes flushes) : IBlockDevice
{
    /// <inheritdoc/>
    public long Length => disk.Size;

    /// <inheritdoc/>
    public long UsableLength => disk.Device.UsableLength;

    /// <inheritdoc/>
    public bool HasFastZeroes => disk.Device.HasFastZeroes;

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        disk.Device.Read(offset, destination);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        var end = 0L;
        foreach (ref readonly var change in changes)
        {
            CheckRange(change.Offset, change.Length);
            end = Math.Max(end, change.Offset + change.Length);
        }

        // Check before logging: the replica must not hold data that the source cannot.
        if (end > disk.Device.UsableLength)
        {
            throw new BlockDeviceException(
                $"disk {disk.Index} was truncated by another program and has no room for a write that ends at {end}",
                BlockDeviceException.NoSpace);
        }

        writes.Write(disk, changes);
    }

    /// <inheritdoc/>
    public void Flush() => flushes.Flush(disk);

    /// <inheritdoc/>
    public AllocatedRun NextRun(long offset, long length)
    {
        CheckRange(offset, length);
        return disk.Device.NextRun(offset, length);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The volume owns the disk.
    }

    private void CheckRange(long offset, long length)
    {
        if (offset < 0 || length < 0 || offset > Length - length)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"The range of {length} bytes exceeds the disk's {Length}.");
        }
    }
}

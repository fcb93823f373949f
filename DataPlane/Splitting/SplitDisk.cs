using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// One disk of a <see cref="SourceVolume"/> as its guest sees it. Closing it does nothing: the volume owns it.
/// </summary>
internal sealed class SplitDisk(SourceVolume volume, int index) : IBlockDevice
{
    /// <inheritdoc/>
    public long Length => volume.SizeOf(index);

    /// <inheritdoc/>
    public bool HasFastZeroes => volume.DeviceOf(index).HasFastZeroes;

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination)
    {
        CheckRange(offset, destination.Length);
        volume.DeviceOf(index).Read(offset, destination);
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        foreach (ref readonly var change in changes)
        {
            CheckRange(change.Offset, change.Length);
        }

        volume.Write(index, changes);
    }

    /// <inheritdoc/>
    public void Flush() => volume.Flush(index);

    /// <inheritdoc/>
    public AllocatedRun NextRun(long offset, long length)
    {
        CheckRange(offset, length);
        return volume.DeviceOf(index).NextRun(offset, length);
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
                nameof(offset), offset, $"The range of {length} bytes is not inside the disk's {Length}.");
        }
    }
}

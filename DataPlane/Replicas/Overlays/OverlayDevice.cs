using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Replicas.Views;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Overlays;

/// <summary>A writable disk of an overlay.</summary>
internal sealed class OverlayDevice(Overlay overlay, int disk) : IBlockDevice
{
    public long Length => overlay.Disks[disk].SizeBytes;

    /// <inheritdoc/>
    /// <remarks>True: zeroes of any length are one record.</remarks>
    public bool HasFastZeroes => true;

    public void Read(long offset, Span<byte> destination)
    {
        DeviceRange.Check(offset, destination.Length, Length);
        try
        {
            overlay.Reader.Read(disk, offset, destination);
        }
        catch (Exception e) when (e is DamagedRangeException or StorageException)
        {
            throw DeviceRange.Refuse((IOException)e);
        }
    }

    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        foreach (var change in changes)
        {
            DeviceRange.Check(change.Offset, change.Length, Length);
        }

        try
        {
            overlay.Write(disk, changes);
        }
        catch (StorageException e)
        {
            throw DeviceRange.Refuse(e);
        }
    }

    public void Flush()
    {
        try
        {
            overlay.Flush();
        }
        catch (StorageException e)
        {
            throw DeviceRange.Refuse(e);
        }
    }

    public AllocatedRun NextRun(long offset, long length)
    {
        DeviceRange.Check(offset, length, Length);
        try
        {
            var (run, zero) = overlay.Reader.NextRun(disk, offset, length);
            return new AllocatedRun(run, zero ? AllocationState.Hole : AllocationState.Data);
        }
        catch (Exception e) when (e is DamagedRangeException or StorageException)
        {
            throw DeviceRange.Refuse((IOException)e);
        }
    }

    public void Dispose()
    {
        // The overlay owns the files.
    }
}

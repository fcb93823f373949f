using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Views;

/// <summary>
/// A disk of a recovery point, read-only. Damage is reported to the store and fails the read with EIO.
/// </summary>
internal sealed class PointDevice(LayeredReader reader, int disk, long length,
    Action<DamagedRangeException> report) : IBlockDevice
{
    public long Length => length;

    public void Read(long offset, Span<byte> destination)
    {
        DeviceRange.Check(offset, destination.Length, length);
        try
        {
            reader.Read(disk, offset, destination);
        }
        catch (DamagedRangeException e)
        {
            report(e);
            throw DeviceRange.Refuse(e);
        }
        catch (StorageException e)
        {
            throw DeviceRange.Refuse(e);
        }
    }

    public void Write(ReadOnlySpan<BlockChange> changes) =>
        throw new BlockDeviceException(
            "A recovery point is immutable; create an overlay over it to write.", BlockDeviceException.NotPermitted);

    public void Flush()
    {
        // A recovery point is never written.
    }

    public AllocatedRun NextRun(long offset, long length)
    {
        DeviceRange.Check(offset, length, Length);
        try
        {
            var (run, zero) = reader.NextRun(disk, offset, length);
            return new AllocatedRun(run, zero ? AllocationState.Hole : AllocationState.Data);
        }
        catch (DamagedRangeException e)
        {
            report(e);
            throw DeviceRange.Refuse(e);
        }
        catch (StorageException e)
        {
            throw DeviceRange.Refuse(e);
        }
    }

    public void Dispose()
    {
        // The store owns the files.
    }
}

/// <summary>The range check and the error translation of a store's devices.</summary>
internal static class DeviceRange
{
    public static void Check(long offset, long count, long length)
    {
        if (offset < 0 || count < 0 || offset > length - count)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"{count} bytes from there exceed a disk of {length} bytes.");
        }
    }

    public static BlockDeviceException Refuse(IOException e) => new(
        e.Message, e is StorageException { Errno: StorageException.NoSpace } ? BlockDeviceException.NoSpace
            : BlockDeviceException.InputOutput, e);
}

/// <summary>A point as the content below an overlay: damage found in it is reported to the store.</summary>
internal sealed class ReportingLower(LayeredReader reader, Action<DamagedRangeException> report) : ILower
{
    public void Read(int disk, long offset, Span<byte> destination)
    {
        try
        {
            reader.Read(disk, offset, destination);
        }
        catch (DamagedRangeException e)
        {
            report(e);
            throw;
        }
    }

    public (long Length, bool IsZero) NextRun(int disk, long offset, long length)
    {
        try
        {
            return reader.NextRun(disk, offset, length);
        }
        catch (DamagedRangeException e)
        {
            report(e);
            throw;
        }
    }
}

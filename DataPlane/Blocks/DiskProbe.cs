using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>A disk as it is now.</summary>
/// <param name="Identity">
/// Which disk it is, whatever path led to it: <c>file:MAJOR:MINOR:INODE</c> or <c>block:MAJOR:MINOR</c>. It tells disks
/// apart on one machine within one boot: the system may give a file system or a device other numbers in the next.
/// </param>
/// <param name="IsBlockDevice">Whether it is a block device; else it is a regular file.</param>
/// <param name="SizeBytes">The size now.</param>
/// <param name="Birth">When the file was made; null for a block device and where the file system does not keep
/// it.</param>
/// <param name="Changed">
/// The file's change time, which moves with every write and cannot be set; null for a block device, whose node's times
/// say nothing about its bytes.
/// </param>
public sealed record DiskObservation(
    string Identity, bool IsBlockDevice, long SizeBytes, DateTimeOffset? Birth, DateTimeOffset? Changed)
{
    /// <summary>
    /// When the file was written last, which a change of its name or rights does not move and programs can set; null
    /// where it is not known. It is kept nowhere.
    /// </summary>
    public DateTimeOffset? Written { get; init; }
}

/// <summary>Looks at disks of this machine: which they are, how large, and when they changed (A1, A3, A5).</summary>
public static class DiskProbe
{
    /// <summary>Looks at what a path leads to now, through symbolic links.</summary>
    /// <exception cref="StorageException">
    /// Nothing is there, it may not be opened, or it is neither a regular file nor a block device.
    /// </exception>
    public static DiskObservation Look(string path)
    {
        var status = FileStatus.Of(path);
        if (!status.IsBlockDevice)
        {
            return Observation(status, status.SizeBytes, path);
        }

        using var file = FileStorageDirectory.OpenPath(path, FileMode.Open, FileAccess.Read);
        return Observation(status, file.Length, path);
    }

    /// <summary>Looks at an open disk, which may have lost its name since.</summary>
    /// <exception cref="StorageException">The system refuses, or it is neither a regular file nor a block
    /// device.</exception>
    public static DiskObservation Look(SafeFileHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var status = FileStatus.Of(handle);
        var size = status.IsBlockDevice ? NativeMethods.Seek(handle, 0, NativeMethods.SeekEnd) : status.SizeBytes;
        return size >= 0
            ? Observation(status, size, "an open disk")
            : throw new StorageException(
                $"cannot measure an open disk: {Marshal.GetLastPInvokeErrorMessage()}", Marshal.GetLastPInvokeError());
    }

    /// <summary>Which disk a path leads to, with all that lies below it.</summary>
    /// <exception cref="StorageException">As for <see cref="Look(string)"/>.</exception>
    public static DiskIdentity IdentityOf(string path) =>
        DiskStack.IdentityOf(FileStatus.Of(path), Look(path).SizeBytes);

    /// <summary>The identity text of a file or a block device.</summary>
    internal static string NameOf(FileStatus status) => status.IsBlockDevice
        ? NameOfBlock(status.NodeMajor, status.NodeMinor)
        : string.Create(
            CultureInfo.InvariantCulture, $"file:{status.DeviceMajor}:{status.DeviceMinor}:{status.Inode}");

    /// <summary>The identity text of a block device.</summary>
    internal static string NameOfBlock(uint major, uint minor) =>
        string.Create(CultureInfo.InvariantCulture, $"block:{major}:{minor}");

    private static DiskObservation Observation(FileStatus status, long size, string what)
    {
        if (status.IsBlockDevice)
        {
            return new DiskObservation(NameOf(status), true, size, null, null);
        }

        const int invalidArgument = 22;
        return status.IsRegularFile
            ? new DiskObservation(NameOf(status), false, size, status.Birth, status.Changed)
            {
                Written = status.Written,
            }
            : throw new StorageException(
                $"'{what}' is neither a regular file nor a block device; name a disk image or a block device",
                invalidArgument);
    }
}

using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>An observation of a disk at one moment.</summary>
/// <param name="Identity">
/// The identity of the disk, independent of the path: <c>file:MAJOR:MINOR:INODE</c> or <c>block:MAJOR:MINOR</c>. It is
/// unique on one machine within one boot: the system may number a file system or a device differently after the next
/// boot.
/// </param>
/// <param name="IsBlockDevice">Whether the disk is a block device; otherwise it is a regular file.</param>
/// <param name="SizeBytes">The current size in bytes.</param>
/// <param name="Birth">
/// The creation time of the file; null for a block device and if the file system does not record it.
/// </param>
/// <param name="Changed">
/// The file's change time, which moves with every write and cannot be set. Null for a block device, because its node's
/// times do not depend on its bytes.
/// </param>
public sealed record DiskObservation(
    string Identity, bool IsBlockDevice, long SizeBytes, DateTimeOffset? Birth, DateTimeOffset? Changed)
{
    /// <summary>
    /// The file's modification time, which a change of name or rights does not move and programs can set; null if
    /// unknown. The time is not stored.
    /// </summary>
    public DateTimeOffset? Written { get; init; }
}

/// <summary>Observes disks of this machine: their identity, their size, and when they changed (A1, A3, A5).</summary>
public static class DiskProbe
{
    /// <summary>Observes the disk that a path leads to now, through symbolic links.</summary>
    /// <exception cref="StorageException">
    /// The path does not exist, may not be opened, or is neither a regular file nor a block device.
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

    /// <summary>Observes an open disk, which may have lost its name since it was opened.</summary>
    /// <exception cref="StorageException">
    /// The system reports an error, or the file is neither a regular file nor a block device.
    /// </exception>
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

    /// <summary>Returns the identity of the disk at a path, including the devices below it.</summary>
    /// <exception cref="StorageException">See <see cref="Look(string)"/>.</exception>
    public static DiskIdentity IdentityOf(string path) =>
        DiskStack.IdentityOf(FileStatus.Of(path), Look(path).SizeBytes);

    /// <summary>Returns the identity text of a file or a block device.</summary>
    internal static string NameOf(FileStatus status) => status.IsBlockDevice
        ? NameOfBlock(status.NodeMajor, status.NodeMinor)
        : string.Create(
            CultureInfo.InvariantCulture, $"file:{status.DeviceMajor}:{status.DeviceMinor}:{status.Inode}");

    /// <summary>Returns the identity text of a block device.</summary>
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

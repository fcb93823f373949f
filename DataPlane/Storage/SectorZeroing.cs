using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>
/// Zeroes parts of a block device. Uses only calls after which the range surely reads as zeroes: a discard (BLKDISCARD)
/// may leave any content, and then the replica, which holds zeroes, would differ from the disk.
/// </summary>
internal static unsafe class SectorZeroing
{
    /// <summary>BLKSSZGET.</summary>
    private const int GetSectorSize = 0x1268;

    private const int SmallestSector = 512;

    /// <summary>
    /// Returns the size in bytes of a block device's sector, the smallest unit it zeroes; 0 for a file.
    /// </summary>
    public static int SectorBytesOf(SafeFileHandle handle)
    {
        if (!FileStatus.Of(handle).IsBlockDevice)
        {
            return 0;
        }

        int bytes;
        return NativeMethods.Control(handle, GetSectorSize, &bytes) == 0 && bytes >= SmallestSector
            ? bytes : SmallestSector;
    }

    /// <summary>
    /// Zeroes whole sectors; returns 0 or the errno, where EOPNOTSUPP and EINVAL mean that the device cannot. Space is
    /// deallocated only if the device then reads as zeroes.
    /// </summary>
    public static int Zero(SafeFileHandle handle, long offset, long length, bool mayDeallocate)
    {
        if (length == 0)
        {
            return 0;
        }

        var errno = mayDeallocate
            ? Call(handle, NativeMethods.PunchHoleMode | NativeMethods.KeepSize, offset, length)
            : NativeMethods.NotSupported;
        return errno is NativeMethods.NotSupported or NativeMethods.InvalidArgument
            ? Call(handle, NativeMethods.ZeroRangeMode | NativeMethods.KeepSize, offset, length) : errno;
    }

    private static int Call(SafeFileHandle handle, int mode, long offset, long length)
    {
        while (NativeMethods.Allocate(handle, mode, offset, length) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != NativeMethods.Interrupted)
            {
                return errno;
            }
        }

        return 0;
    }
}

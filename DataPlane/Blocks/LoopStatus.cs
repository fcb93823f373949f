using System.Globalization;
using Microsoft.Win32.SafeHandles;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>The status of a loop device (<c>LOOP_GET_STATUS64</c> of linux/loop.h).</summary>
/// <param name="BackingFile">
/// The identity of the backing file; meaningless if <paramref name="Backing"/> is set.
/// </param>
/// <param name="Backing">The backing block device; null if a file backs the loop device.</param>
/// <param name="Offset">The offset in bytes at which the loop device starts in its backing file or device.</param>
internal sealed record LoopStatus(string BackingFile, DeviceNumber? Backing, long Offset)
{
    private const int GetStatus = 0x4C05;
    private const int StatusBytes = 232;
    private const int InodeAt = 8;
    private const int BackingAt = 16;
    private const int OffsetAt = 24;

    /// <summary>
    /// Reads the status; null if the node is another device, may not be opened, or is not a configured loop device.
    /// </summary>
    public static unsafe LoopStatus? Of(string node, uint major, uint minor)
    {
        var descriptor = NativeMethods.Open(node, NativeMethods.OpenCloseOnExec, 0);
        if (descriptor < 0)
        {
            return null;
        }

        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        var found = FileStatus.Of(handle);
        var status = stackalloc byte[StatusBytes];
        if (!found.IsBlockDevice || (found.NodeMajor, found.NodeMinor) != (major, minor)
            || NativeMethods.Control(handle, GetStatus, status) != 0)
        {
            return null;
        }

        var device = DeviceNumber.Decode(*(ulong*)status);
        var inode = *(ulong*)(status + InodeAt);
        var backing = *(ulong*)(status + BackingAt);
        return new LoopStatus(
            string.Create(CultureInfo.InvariantCulture, $"file:{device.Major}:{device.Minor}:{inode}"),
            backing == 0 ? null : DeviceNumber.Decode(backing), (long)*(ulong*)(status + OffsetAt));
    }
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// The locks that QEMU and its tools take on an image and respect (block/file-posix.c): one byte for each permission
/// that the holder has, from byte 100 on, and one for each that it does not share, from byte 200 on. All are shared
/// locks, so that several holders with permissions that go together can coexist; who opens sets its own first and then
/// looks whether anybody's are against it, so of two that come at once at least one sees the other.
/// </summary>
/// <remarks>
/// The locks belong to the open file description, not to the process: closing another descriptor of the file does not
/// drop them, and a second opening in the same process is refused too. They end when the disk is closed.
/// </remarks>
internal static class DiskLocks
{
    private const int OpenFileGet = 36;
    private const int OpenFileSet = 37;
    private const short ReadLock = 0;
    private const short WriteLock = 1;
    private const short Unlocked = 2;
    private const int HeldBase = 100;
    private const int UnsharedBase = 200;

    private const int ConsistentRead = 0;
    private const int Write = 1;
    private const int Resize = 3;

    private static readonly int[] Held = [ConsistentRead, Write, Resize];
    private static readonly int[] Unshared = [Write, Resize];

    /// <summary>
    /// Takes the locks of one who reads, writes and resizes a disk and lets others only read it; false when somebody
    /// else's are against it. The caller closes the handle then, which drops what was taken.
    /// </summary>
    /// <exception cref="StorageException">The file system has no such locks.</exception>
    public static bool TryTake(SafeFileHandle handle, string path) =>
        Held.All(bit => TrySet(handle, path, HeldBase + bit)) && Unshared.All(
            bit => TrySet(handle, path, UnsharedBase + bit))
        && Held.All(bit => IsFree(handle, path, UnsharedBase + bit))
        && Unshared.All(bit => IsFree(handle, path, HeldBase + bit));

    private static unsafe bool TrySet(SafeFileHandle handle, string path, int at)
    {
        const int notPermitted = 13;
        var wanted = new FileLock { Type = ReadLock, Start = at, Length = 1 };
        return Call(handle, path, OpenFileSet, &wanted) is not (NativeMethods.WouldBlock or notPermitted);
    }

    // A write lock would be in the way of everybody else's, so asking for one finds them all, but not one's own.
    private static unsafe bool IsFree(SafeFileHandle handle, string path, int at)
    {
        var wanted = new FileLock { Type = WriteLock, Start = at, Length = 1 };
        return Call(handle, path, OpenFileGet, &wanted) == 0 && wanted.Type == Unlocked;
    }

    private static unsafe int Call(SafeFileHandle handle, string path, int command, FileLock* argument)
    {
        const int notPermitted = 13;
        while (NativeMethods.Lock(handle, command, argument) != 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            switch (errno)
            {
                case NativeMethods.Interrupted:
                    break;
                case NativeMethods.WouldBlock or notPermitted:
                    return errno;
                default:
                    throw new StorageException(
                        $"cannot lock '{path}' against other users: {Marshal.GetPInvokeErrorMessage(errno)}; "
                        + "put the disk on a file system that supports locks",
                        errno);
            }
        }

        return 0;
    }
}

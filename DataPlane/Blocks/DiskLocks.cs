using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// The locks that QEMU and its tools take on an image and respect (block/file-posix.c): one byte from offset 100 for
/// each permission of the holder, and one byte from offset 200 for each permission that the holder does not share. All
/// are shared locks, so that holders with compatible permissions can coexist. A process first sets its own locks and
/// then checks for conflicting ones, so if two processes open at once, at least one of them sees the other.
/// </summary>
/// <remarks>
/// The locks belong to the open file description, not to the process: closing another descriptor of the file does not
/// drop them, and a second opening in the same process is refused too. Closing the disk releases them.
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
    /// Takes the locks of a holder that reads, writes and resizes a disk and lets others only read it. Returns false if
    /// another holder's locks conflict; the caller then closes the handle, which releases the locks taken.
    /// </summary>
    /// <exception cref="StorageException">The file system does not support such locks.</exception>
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

    // A write lock conflicts with every other holder's lock, so querying one finds them all, except the caller's own.
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

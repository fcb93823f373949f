using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>
/// The status of a file (<c>statx</c>): the framework's own calls return neither device, inode nor change time.
/// </summary>
/// <param name="Mode">The type and the permissions (<c>st_mode</c>).</param>
/// <param name="DeviceMajor">The major number of the device that holds the file.</param>
/// <param name="DeviceMinor">The minor number of the device that holds the file.</param>
/// <param name="Inode">The inode number.</param>
/// <param name="NodeMajor">The major number of the device that a device node names.</param>
/// <param name="NodeMinor">The minor number of the device that a device node names.</param>
/// <param name="SizeBytes">The size in bytes; 0 for a device node.</param>
/// <param name="Links">The number of hard links; 0 after the file was deleted.</param>
/// <param name="Birth">The creation time of the file; null if the file system does not record it.</param>
/// <param name="Changed">The change time, which no program can set.</param>
/// <param name="Written">The time of the last write, which programs can set.</param>
internal sealed record FileStatus(
    int Mode, uint DeviceMajor, uint DeviceMinor, ulong Inode, uint NodeMajor, uint NodeMinor, long SizeBytes,
    uint Links, DateTimeOffset? Birth, DateTimeOffset Changed, DateTimeOffset Written)
{
    private const int TypeMask = 0xF000;
    private const int BlockDevice = 0x6000;
    private const int RegularFile = 0x8000;

    // The used part of struct statx, in bytes from its start (linux/stat.h); the whole struct has 256 bytes.
    private const int StatusBytes = 256;
    private const int LinksAt = 16;
    private const int ModeAt = 28;
    private const int InodeAt = 32;
    private const int SizeAt = 40;
    private const int BirthAt = 80;
    private const int ChangedAt = 96;
    private const int WrittenAt = 112;
    private const int NodeAt = 128;
    private const int DeviceAt = 136;

    private const int CurrentDirectory = -100;
    private const int EmptyPath = 0x1000;

    /// <summary>The requested fields: STATX_BASIC_STATS and STATX_BTIME.</summary>
    private const uint Wanted = 0xFFF;
    private const uint BirthBit = 0x800;

    /// <summary>Whether the file is a block device.</summary>
    public bool IsBlockDevice => (Mode & TypeMask) == BlockDevice;

    /// <summary>Whether the file is a regular file.</summary>
    public bool IsRegularFile => (Mode & TypeMask) == RegularFile;

    /// <summary>Reads the status of the file at a path, through symbolic links.</summary>
    /// <exception cref="StorageException">The path does not exist, or may not be followed.</exception>
    public static unsafe FileStatus Of(string path)
    {
        var status = stackalloc byte[StatusBytes];
        return NativeMethods.Status(CurrentDirectory, path, 0, Wanted, status) == 0
            ? Read(status)
            : throw Failed($"'{path}'");
    }

    /// <summary>Reads the status of an open file.</summary>
    /// <exception cref="StorageException">The system reports an error.</exception>
    public static unsafe FileStatus Of(SafeFileHandle handle)
    {
        var held = false;
        var status = stackalloc byte[StatusBytes];
        try
        {
            handle.DangerousAddRef(ref held);
            var descriptor = (int)handle.DangerousGetHandle();
            return NativeMethods.Status(descriptor, "", EmptyPath, Wanted, status) == 0
                ? Read(status)
                : throw Failed($"descriptor {descriptor}");
        }
        finally
        {
            if (held)
            {
                handle.DangerousRelease();
            }
        }
    }

    private static unsafe FileStatus Read(byte* status) => new(
        *(ushort*)(status + ModeAt), *(uint*)(status + DeviceAt), *(uint*)(status + DeviceAt + 4),
        *(ulong*)(status + InodeAt), *(uint*)(status + NodeAt), *(uint*)(status + NodeAt + 4),
        *(long*)(status + SizeAt), *(uint*)(status + LinksAt),
        (*(uint*)status & BirthBit) != 0 ? Time(status + BirthAt) : null, Time(status + ChangedAt),
        Time(status + WrittenAt));

    // One tick is 100 ns; the rest is truncated in the same way each time, so equal times remain equal.
    private static unsafe DateTimeOffset Time(byte* time) =>
        DateTimeOffset.UnixEpoch.AddTicks((*(long*)time * TimeSpan.TicksPerSecond) + (*(uint*)(time + 8) / 100));

    private static StorageException Failed(string what)
    {
        var errno = Marshal.GetLastPInvokeError();
        return new StorageException($"cannot read the status of {what}: "
            + $"{Marshal.GetPInvokeErrorMessage(errno)}", errno);
    }
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>
/// The system calls that .NET lacks or offers without their errors: its own flush returns normally when <c>fsync</c>
/// failed, its positional writes turn some errors into exceptions of other kinds (EFBIG becomes an argument error), and
/// it cannot open a directory to sync it. Callers retry on <see cref="Interrupted"/>.
/// </summary>
internal static unsafe partial class NativeMethods
{
    public const int SeekEnd = 2;
    public const int SeekData = 3;
    public const int SeekHole = 4;
    public const int KeepSize = 1;

    /// <summary>POSIX_FADV_DONTNEED.</summary>
    public const int NotNeeded = 4;

    public const int PunchHoleMode = 2;
    public const int OpenReadOnlyDirectory = 0x10000 | 0x80000;

    /// <summary>O_CLOEXEC.</summary>
    public const int OpenCloseOnExec = 0x80000;

    /// <summary>O_RDWR.</summary>
    public const int OpenReadWrite = 2;

    /// <summary>O_EXCL: without O_CREAT it claims a block device.</summary>
    public const int OpenExclusive = 0x80;

    /// <summary>FALLOC_FL_ZERO_RANGE.</summary>
    public const int ZeroRangeMode = 0x10;

    /// <summary>EAGAIN: another process holds a lock.</summary>
    public const int WouldBlock = 11;

    /// <summary>EBUSY.</summary>
    public const int Busy = 16;

    /// <summary>EINTR.</summary>
    public const int Interrupted = 4;

    /// <summary>ENXIO: SEEK_DATA found no data behind the offset.</summary>
    public const int NoSuchRange = 6;

    /// <summary>EINVAL.</summary>
    public const int InvalidArgument = 22;

    /// <summary>EOPNOTSUPP.</summary>
    public const int NotSupported = 95;

    /// <summary>PRIO_PROCESS: selects a thread by its id; 0 is the calling thread.</summary>
    public const int PriorityOfThread = 0;

    /// <summary>
    /// Returns the nice value of a thread, which Linux keeps per thread; a process's id is that of its first thread. -1
    /// may be the value or a failure; only a failure sets the error.
    /// </summary>
    [LibraryImport("libc", EntryPoint = "getpriority", SetLastError = true)]
    public static partial int GetPriority(int which, int who);

    /// <summary>Sets a thread's nice value; raising it needs no permission. -1 is a failure.</summary>
    [LibraryImport("libc", EntryPoint = "setpriority", SetLastError = true)]
    public static partial int SetPriority(int which, int who, int niceness);

    /// <summary>Fills the 256 bytes of a <c>struct statx</c>; -1 is a failure.</summary>
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Status(int directory, string path, int flags, uint mask, byte* status);

    /// <summary>Reads a limit of the process: the soft and the hard one. -1 is a failure.</summary>
    [LibraryImport("libc", EntryPoint = "getrlimit", SetLastError = true)]
    public static partial int GetLimit(int resource, ulong* limits);

    /// <summary>Sets a limit of the process. -1 is a failure.</summary>
    [LibraryImport("libc", EntryPoint = "setrlimit", SetLastError = true)]
    public static partial int SetLimit(int resource, ulong* limits);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint WriteTo(int descriptor, byte* buffer, nint count);

    /// <summary>Sends a request to a device driver; -1 is a failure.</summary>
    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Control(SafeFileHandle handle, nuint request, void* argument);

    /// <summary>Sets or queries a lock; -1 is a failure.</summary>
    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Lock(SafeFileHandle handle, int command, FileLock* argument);

    /// <summary>Sets the process's file mode mask and returns the former one.</summary>
    [LibraryImport("libc", EntryPoint = "umask")]
    public static partial int Mask(int mask);

    /// <summary>Changes the owner and group of a file; -1 leaves either unchanged.</summary>
    [LibraryImport("libc", EntryPoint = "chown", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeOwner(string path, int user, int group);

    /// <summary>Finds a group by its name; returns the error itself. The entry's texts are in the buffer.</summary>
    [LibraryImport("libc", EntryPoint = "getgrnam_r", StringMarshalling = StringMarshalling.Utf8)]
    public static partial int FindGroup(
        string name, out GroupEntry entry, byte* buffer, nint length, out nint found);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    public static partial int DataSync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int Sync(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Allocate(SafeFileHandle handle, int mode, long offset, long length);

    /// <summary>Gives advice about a range of a file. Returns the error itself and does not set errno.</summary>
    [LibraryImport("libc", EntryPoint = "posix_fadvise")]
    public static partial int Advise(SafeFileHandle handle, long offset, long length, int advice);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(SafeFileHandle handle, long length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long Seek(SafeFileHandle handle, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint Read(SafeFileHandle handle, byte* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint Write(SafeFileHandle handle, byte* buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwritev", SetLastError = true)]
    public static partial nint Write(SafeFileHandle handle, IoVector* vectors, int count, long offset);
}

/// <summary>The system's <c>struct group</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct GroupEntry
{
    public nint Name;
    public nint Password;
    public int Id;
    public nint Members;
}

/// <summary>The system's <c>struct iovec</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVector
{
    public byte* Base;
    public nint Length;
}

/// <summary>The system's <c>struct flock</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct FileLock
{
    public short Type;
    public short Whence;
    public long Start;
    public long Length;
    public int Process;
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Blocks;

/// <summary>
/// A regular file or block device of this machine, open for reading and writing and locked against others (A1): with
/// the locks that QEMU and its tools respect (<see cref="DiskLocks"/>), and a block device also exclusively, which the
/// system refuses while it is mounted, used for swap, or part of another device.
/// </summary>
public sealed class LocalDisk : IHostDisk
{
    private readonly SafeFileHandle _handle;
    private readonly FileStorageFile _file;

    private LocalDisk(string path, SafeFileHandle handle, FileStatus status)
    {
        (Path, _handle) = (path, handle);
        _file = new FileStorageFile(path, handle);
        Device = new FileBlockDevice(_file);
        Identity = DiskStack.IdentityOf(status, Device.Length);
        TimesAreItsOwn = !status.IsBlockDevice && new DriveInfo(path).DriveType != DriveType.Network;
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public DiskIdentity Identity { get; }

    /// <inheritdoc/>
    public bool TimesAreItsOwn { get; }

    /// <inheritdoc/>
    public IBlockDevice Device { get; }

    /// <summary>Opens and locks a disk.</summary>
    /// <param name="path">The path of the disk.</param>
    /// <param name="opened">Checks the opened file before it is locked. If it throws, the disk is closed again.</param>
    /// <exception cref="StorageException">The path does not exist, is not a disk, or may not be opened.</exception>
    /// <exception cref="DiskInUseException">Another process uses the disk.</exception>
    public static LocalDisk Open(string path, Action<SafeFileHandle>? opened = null)
    {
        var status = FileStatus.Of(path);
        if (status is { IsBlockDevice: false, IsRegularFile: false })
        {
            const int invalidArgument = 22;
            throw new StorageException(
                $"'{path}' is neither a regular file nor a block device; name a disk image or a block device",
                invalidArgument);
        }

        var handle = OpenHandle(path, status);
        try
        {
            opened?.Invoke(handle);
            status = FileStatus.Of(handle);
            if (DiskLocks.TryTake(handle, path))
            {
                return new LocalDisk(path, handle, status);
            }
        }
        catch
        {
            handle.Dispose();
            throw;
        }

        // Close first, so that this opening is not found as the conflicting user.
        handle.Dispose();
        throw InUse(path, status);
    }

    /// <inheritdoc/>
    public DiskObservation Look() => DiskProbe.Look(_handle);

    /// <inheritdoc/>
    public string OwnAtPath() => DiskProbe.NameOf(FileStatus.Of(Path));

    /// <inheritdoc/>
    public IBlockDevice Remeasured() => new FileBlockDevice(_file);

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static SafeFileHandle OpenHandle(string path, FileStatus status)
    {
        const int mode = NativeMethods.OpenReadWrite | NativeMethods.OpenCloseOnExec;
        while (true)
        {
            var descriptor = NativeMethods.Open(
                path, status.IsBlockDevice ? mode | NativeMethods.OpenExclusive : mode, 0);
            if (descriptor >= 0)
            {
                return new SafeFileHandle(descriptor, ownsHandle: true);
            }

            var errno = Marshal.GetLastPInvokeError();
            if (errno == NativeMethods.Busy && status.IsBlockDevice)
            {
                throw InUse(path, status);
            }

            if (errno != NativeMethods.Interrupted)
            {
                throw new StorageException(
                    $"cannot open '{path}' for writing: {Marshal.GetPInvokeErrorMessage(errno)}", errno);
            }
        }
    }

    private static DiskInUseException InUse(string path, FileStatus status) => new(
        $"Disk '{path}' is in use {DiskHolders.Describe(status)}, and two writers would damage it; stop that user, "
        + "then retry.");
}

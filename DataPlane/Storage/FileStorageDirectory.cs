using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>A directory of the operating system; created (with its parents) if it does not exist.</summary>
public sealed class FileStorageDirectory : IStorageDirectory
{
    /// <summary>Opens or creates the directory.</summary>
    public FileStorageDirectory(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        Guard($"create the directory '{Path}'", () => Directory.CreateDirectory(Path));
    }

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    public IStorageFile Open(string name, StorageOpen mode)
    {
        var path = Resolve(name);
        var fileMode = mode switch
        {
            StorageOpen.Existing => FileMode.Open,
            StorageOpen.New => FileMode.CreateNew,
            StorageOpen.Any => FileMode.OpenOrCreate,
            _ => throw new ArgumentOutOfRangeException(nameof(mode), mode, "Unknown way to open a file."),
        };
        return OpenPath(path, fileMode);
    }

    /// <summary>Opens a file by its full path, which may be a block device.</summary>
    /// <exception cref="StorageException">
    /// The file does not exist, exists already, is a directory, or may not be opened.
    /// </exception>
    public static IStorageFile OpenPath(string path, FileMode mode, FileAccess access = FileAccess.ReadWrite) =>
        Guard($"open '{path}'", () => new FileStorageFile(
            path, File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete)));

    /// <inheritdoc/>
    public bool Exists(string name) => File.Exists(Resolve(name));

    /// <inheritdoc/>
    public IReadOnlyList<string> List() => Guard($"list '{Path}'", () => Names(Directory.EnumerateFiles(Path)));

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories() =>
        Guard($"list '{Path}'", () => Names(Directory.EnumerateDirectories(Path)));

    /// <inheritdoc/>
    public void Delete(string name) => Guard($"delete '{name}' in '{Path}'", () => File.Delete(Resolve(name)));

    /// <inheritdoc/>
    public void Rename(string from, string to) =>
        Guard($"rename '{from}' to '{to}' in '{Path}'", () => File.Move(Resolve(from), Resolve(to), overwrite: true));

    /// <inheritdoc/>
    public IStorageDirectory Subdirectory(string name) => new FileStorageDirectory(Resolve(name));

    /// <inheritdoc/>
    public void DeleteSubdirectory(string name)
    {
        var path = Resolve(name);
        if (Directory.Exists(path))
        {
            Guard($"delete '{path}'", () => Directory.Delete(path, recursive: true));
        }
    }

    /// <inheritdoc/>
    public void Sync()
    {
        var descriptor = NativeMethods.Open(Path, NativeMethods.OpenReadOnlyDirectory, 0);
        if (descriptor < 0)
        {
            throw Failed("open", Marshal.GetLastPInvokeError());
        }

        var result = NativeMethods.Sync(descriptor);
        var errno = Marshal.GetLastPInvokeError();
        _ = NativeMethods.Close(descriptor);
        if (result != 0)
        {
            throw Failed("sync", errno);
        }
    }

    private static List<string> Names(IEnumerable<string> paths) =>
        [.. paths.Select(p => System.IO.Path.GetFileName(p)).Order(StringComparer.Ordinal)];

    private string Resolve(string name) =>
        name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny('/', '\0')
            ? throw new ArgumentException($"'{name}' is not a file name: it must be one path element.", nameof(name))
            : System.IO.Path.Combine(Path, name);

    private static void Guard(string what, Action action) => Guard(what, () =>
    {
        action();
        return true;
    });

    private static T Guard<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (IOException e) when (e is not StorageException)
        {
            throw new StorageException($"cannot {what}: {e.Message}", Errno(e), e);
        }
        catch (UnauthorizedAccessException e)
        {
            const int permissionDenied = 13;
            throw new StorageException($"cannot {what}: {e.Message}", permissionDenied, e);
        }
    }

    /// <summary>
    /// Returns the system's error number. .NET uses its own HResults for the errors it has names for, and the system's
    /// number for the others.
    /// </summary>
    private static int Errno(IOException e)
    {
        const int noEntry = 2;
        const int exists = 17;
        const int existsHResult = unchecked((int)0x80070050);
        const int diskFullHResult = unchecked((int)0x80070070);
        return (e, e.HResult) switch
        {
            (FileNotFoundException or DirectoryNotFoundException, _) => noEntry,
            (_, existsHResult) => exists,
            (_, diskFullHResult) => StorageException.NoSpace,
            (_, > 0 and < 4096) => e.HResult,
            _ => StorageException.InputOutput,
        };
    }

    private StorageException Failed(string what, int errno) =>
        new($"cannot {what} '{Path}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);
}

using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>A directory of the operating system; created (with its parents) when it does not exist.</summary>
public sealed class FileStorageDirectory : IStorageDirectory
{
    /// <summary>Opens or creates the directory.</summary>
    public FileStorageDirectory(string path)
    {
        Path = System.IO.Path.GetFullPath(path);
        Guard("create", () => Directory.CreateDirectory(Path));
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
        return Guard("open", () => OpenPath(path, fileMode));
    }

    /// <summary>Opens a file by its full path, which may be a block device.</summary>
    public static IStorageFile OpenPath(string path, FileMode mode, FileAccess access = FileAccess.ReadWrite) =>
        new FileStorageFile(path, File.OpenHandle(path, mode, access, FileShare.ReadWrite | FileShare.Delete));

    /// <inheritdoc/>
    public bool Exists(string name) => File.Exists(Resolve(name));

    /// <inheritdoc/>
    public IReadOnlyList<string> List() => Names(Directory.EnumerateFiles(Path));

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories() => Names(Directory.EnumerateDirectories(Path));

    /// <inheritdoc/>
    public void Delete(string name) => Guard("delete", () => File.Delete(Resolve(name)));

    /// <inheritdoc/>
    public void Rename(string from, string to) =>
        Guard("rename", () => File.Move(Resolve(from), Resolve(to), overwrite: true));

    /// <inheritdoc/>
    public IStorageDirectory Subdirectory(string name) => new FileStorageDirectory(Resolve(name));

    /// <inheritdoc/>
    public void DeleteSubdirectory(string name)
    {
        var path = Resolve(name);
        if (Directory.Exists(path))
        {
            Guard("delete", () => Directory.Delete(path, recursive: true));
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
            ? throw new ArgumentException($"'{name}' is not a file name: one path element is needed.", nameof(name))
            : System.IO.Path.Combine(Path, name);

    private void Guard(string what, Action action) => Guard(what, () =>
    {
        action();
        return true;
    });

    private T Guard<T>(string what, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (IOException e) when (e is not StorageException)
        {
            throw new StorageException($"cannot {what} in '{Path}': {e.Message}", FileStorageFile.Errno(e), e);
        }
        catch (UnauthorizedAccessException e)
        {
            const int permissionDenied = 13;
            throw new StorageException($"cannot {what} in '{Path}': {e.Message}", permissionDenied, e);
        }
    }

    private StorageException Failed(string what, int errno) =>
        new($"cannot {what} '{Path}': {Marshal.GetPInvokeErrorMessage(errno)}", errno);
}

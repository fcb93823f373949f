using System.Collections.Concurrent;

namespace ReplicationEngine.DataPlane.Storage;

/// <summary>
/// A directory that is read and never changed: files are opened for reading only, and all writes, creations, renames
/// and deletions happen in memory and are lost with this object. Code that repairs data on opening (a torn tail, a
/// missing index) therefore works on a medium that must not change, by the same rules and with the same errors as on a
/// writable one (I7).
/// </summary>
/// <remarks>
/// Memory grows with the written data, so this suits opening and reading, not background work. A name maps to a
/// content: the file on disk with the changed pages over it. Renaming moves the content to another name.
/// </remarks>
public sealed class UnalteredDirectory : IStorageDirectory
{
    private readonly ConcurrentDictionary<string, UnalteredContent?> _files = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, UnalteredDirectory?> _directories = new(StringComparer.Ordinal);
    private readonly bool _onDisk;

    /// <summary>Opens a directory; nothing is created if it does not exist.</summary>
    /// <exception cref="StorageException">The directory exists and cannot be read.</exception>
    public UnalteredDirectory(string path)
        : this(System.IO.Path.GetFullPath(path), Directory.Exists(path))
    {
    }

    private UnalteredDirectory(string path, bool onDisk) => (Path, _onDisk) = (path, onDisk);

    /// <inheritdoc/>
    public string Path { get; }

    /// <inheritdoc/>
    /// <remarks>The file is writable for the caller; the writes exist only in memory.</remarks>
    public IStorageFile Open(string name, StorageOpen mode)
    {
        const int noEntry = 2;
        const int exists = 17;
        switch (Find(name), mode)
        {
            case (null, StorageOpen.Existing):
                throw new StorageException($"cannot open '{Resolve(name)}': it does not exist", noEntry);
            case (not null, StorageOpen.New):
                throw new StorageException($"cannot create '{Resolve(name)}': it exists already", exists);
            case (null, _):
                var made = new UnalteredContent(Resolve(name), onDisk: false);
                _files[name] = made;
                return made.Open();
            case (var found, _):
                return found.Open();
        }
    }

    /// <inheritdoc/>
    public bool Exists(string name) => _files.TryGetValue(name, out var known)
        ? known is not null : _onDisk && File.Exists(Resolve(name));

    /// <inheritdoc/>
    public IReadOnlyList<string> List() =>
    [
        .. OnDisk(d => d.List()).Union(_files.Keys, StringComparer.Ordinal).Where(Exists)
            .Order(StringComparer.Ordinal),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<string> ListDirectories() =>
    [
        .. OnDisk(d => d.ListDirectories()).Where(n => !_directories.ContainsKey(n))
            .Union(_directories.Where(d => d.Value is not null).Select(d => d.Key), StringComparer.Ordinal)
            .Order(StringComparer.Ordinal),
    ];

    /// <inheritdoc/>
    public void Delete(string name) => _files[name] = null;

    /// <inheritdoc/>
    public void Rename(string from, string to)
    {
        const int noEntry = 2;
        _files[to] = Find(from) ?? throw new StorageException(
            $"cannot rename '{Resolve(from)}': it does not exist", noEntry);
        _files[from] = null;
    }

    /// <inheritdoc/>
    public IStorageDirectory Subdirectory(string name)
    {
        var path = Resolve(name);
        return _directories.AddOrUpdate(
            name, _ => new UnalteredDirectory(path, _onDisk && Directory.Exists(path)),
            (_, known) => known ?? new UnalteredDirectory(path, onDisk: false))!;
    }

    /// <inheritdoc/>
    public void DeleteSubdirectory(string name) => _directories[name] = null;

    /// <inheritdoc/>
    public void Sync()
    {
        // Nothing was changed, so nothing has to become durable.
    }

    private UnalteredContent? Find(string name) => Exists(name)
        ? _files.GetOrAdd(name, n => new UnalteredContent(Resolve(n), onDisk: true))
        : null;

    private IReadOnlyList<string> OnDisk(Func<FileStorageDirectory, IReadOnlyList<string>> list) =>
        _onDisk ? list(new FileStorageDirectory(Path)) : [];

    private string Resolve(string name) =>
        name.Length == 0 || name is "." or ".." || name.AsSpan().ContainsAny('/', '\0')
            ? throw new ArgumentException($"'{name}' is not a file name: it must be one path element.", nameof(name))
            : System.IO.Path.Combine(Path, name);
}

using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Tests.DataPlane.Replicas;

/// <summary>The process was killed or the power was cut: nobody may handle this.</summary>
internal sealed class CrashedException() : Exception("the simulated machine crashed");

/// <summary>
/// A directory in memory with a volatile cache: unsynced writes survive a kill, and in any part, torn at 512 bytes, a
/// power cut. It can crash at the n-th changing call, run out of space, and fail syncs.
/// </summary>
internal sealed class CrashableDirectory : IStorageDirectory
{
    private readonly List<Action<Dictionary<string, CrashableFile>>> _nameChanges = [];
    private Dictionary<string, CrashableFile> _names = new(StringComparer.Ordinal);
    private Dictionary<string, CrashableFile> _durableNames = new(StringComparer.Ordinal);

    public string Path => "/simulated";

    /// <summary>Changing calls until the crash; negative means never.</summary>
    public long CallsLeft { get; set; } = -1;

    /// <summary>Changing calls made.</summary>
    public long Calls { get; private set; }

    public bool IsFull { get; set; }

    /// <summary>Changing calls until it is full; negative means never.</summary>
    public long FullIn { get; set; } = -1;

    public bool SyncsFail { get; set; }

    public bool Crashed { get; private set; }

    public IStorageFile Open(string name, StorageOpen mode)
    {
        EnsureAlive();
        var exists = _names.TryGetValue(name, out var file);
        if (mode == StorageOpen.Existing && !exists)
        {
            throw new StorageException($"'{name}' does not exist", 2);
        }

        if (mode == StorageOpen.New && exists)
        {
            throw new StorageException($"'{name}' exists", 17);
        }

        if (!exists)
        {
            var made = file = new CrashableFile(this, name);
            Change(names => names[name] = made);
        }

        return new Handle(file!);
    }

    public bool Exists(string name) => _names.ContainsKey(name);

    public IReadOnlyList<string> List() => [.. _names.Keys.Order(StringComparer.Ordinal)];

    public IReadOnlyList<string> ListDirectories() => [];

    public void Delete(string name)
    {
        if (_names.ContainsKey(name))
        {
            Change(names => names.Remove(name));
        }
    }

    public void Rename(string from, string to) => Change(names =>
    {
        names[to] = names[from];
        names.Remove(from);
    });

    public IStorageDirectory Subdirectory(string name) => throw new NotSupportedException();

    public void DeleteSubdirectory(string name) => throw new NotSupportedException();

    public void Sync()
    {
        Count();
        if (SyncsFail)
        {
            throw new StorageException("the sync failed", StorageException.InputOutput);
        }

        _durableNames = new Dictionary<string, CrashableFile>(_names, StringComparer.Ordinal);
        _nameChanges.Clear();
    }

    /// <summary>The process is gone, the machine goes on.</summary>
    public void Restart()
    {
        (CallsLeft, FullIn, Crashed, IsFull, SyncsFail) = (-1, -1, false, false, false);
    }

    /// <summary>The machine was without power: what was not synced survives in part or not at all.</summary>
    public void CutPower(Random random)
    {
        _names = new Dictionary<string, CrashableFile>(_durableNames, StringComparer.Ordinal);
        foreach (var change in _nameChanges.Take(random.Next(_nameChanges.Count + 1)))
        {
            change(_names);
        }

        foreach (var file in _names.Values.Distinct())
        {
            file.CutPower(random);
        }

        _durableNames = new Dictionary<string, CrashableFile>(_names, StringComparer.Ordinal);
        _nameChanges.Clear();
        Restart();
    }

    /// <summary>The bytes of a file, to damage them.</summary>
    public CrashableFile FileNamed(string name) => _names[name];

    public void EnsureAlive()
    {
        if (Crashed)
        {
            throw new CrashedException();
        }
    }

    /// <summary>Counts a changing call; throws when it is the one at which the machine crashes.</summary>
    public void Count(Action? part = null)
    {
        EnsureAlive();
        Calls++;
        IsFull |= FullIn >= 0 && FullIn-- == 0;
        if (CallsLeft >= 0 && CallsLeft-- == 0)
        {
            part?.Invoke();
            Crashed = true;
            throw new CrashedException();
        }
    }

    private void Change(Action<Dictionary<string, CrashableFile>> change)
    {
        Count();
        change(_names);
        _nameChanges.Add(change);
    }

    private sealed class Handle(CrashableFile file) : IStorageFile
    {
        public string Name => file.Name;

        public long Length => file.Length;

        public int Read(long offset, Span<byte> destination) => file.Read(offset, destination);

        public void Write(long offset, ReadOnlySpan<byte> source) => file.Write(offset, source);

        public void Write(long offset, IReadOnlyList<ReadOnlyMemory<byte>> sources)
        {
            foreach (var source in sources)
            {
                file.Write(offset, source.Span);
                offset += source.Length;
            }
        }

        public void SetLength(long length) => file.SetLength(length);

        public void Allocate(long offset, long length) => file.Allocate();

        public void PunchHole(long offset, long length) =>
            file.Write(offset, new byte[Math.Max(0, Math.Min(length, file.Length - offset))]);

        public (long Length, bool IsHole) NextRun(long offset) => (file.Length - offset, false);

        public void Sync() => file.Sync();

        public void Dispose()
        {
        }
    }
}

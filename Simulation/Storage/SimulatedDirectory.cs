using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Simulation.Storage;

/// <summary>
/// A directory of a <see cref="SimulatedStorage"/>. A subdirectory is durable as soon as it holds a durable file.
/// </summary>
internal sealed class SimulatedDirectory(SimulatedStorage storage, int life, string path) : IStorageDirectory
{
    public string Path => "/" + path;

    public IStorageFile Open(string name, StorageOpen mode)
    {
        lock (storage.Gate)
        {
            storage.CheckAlive(life);
            var full = Full(name);
            var exists = storage.Names.TryGetValue(full, out var data);
            if (mode == StorageOpen.Existing && !exists)
            {
                throw new StorageException($"'{full}' does not exist", 2);
            }

            if (mode == StorageOpen.New && exists)
            {
                throw new StorageException($"'{full}' exists", 17);
            }

            if (!exists)
            {
                data = storage.NewFile();
                var made = data;
                storage.ChangeNames(life, names => names[full] = made);
            }

            return new SimulatedFile(storage, life, full, data!);
        }
    }

    public bool Exists(string name)
    {
        lock (storage.Gate)
        {
            storage.CheckAlive(life);
            return storage.Names.ContainsKey(Full(name));
        }
    }

    public IReadOnlyList<string> List()
    {
        lock (storage.Gate)
        {
            storage.CheckAlive(life);
            return [.. Below().Where(n => !n.Contains('/')).Order(StringComparer.Ordinal)];
        }
    }

    public IReadOnlyList<string> ListDirectories()
    {
        lock (storage.Gate)
        {
            storage.CheckAlive(life);
            return [.. Below().Where(n =>
                n.Contains('/')).Select(n =>
                n[..n.IndexOf('/')]).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        }
    }

    public void Delete(string name)
    {
        lock (storage.Gate)
        {
            storage.CheckAlive(life);
            if (storage.Names.TryGetValue(Full(name), out var data))
            {
                storage.FreeBytes += data.AllocatedBytes;
                var full = Full(name);
                storage.ChangeNames(life, names => names.Remove(full));
            }
        }
    }

    public void Rename(string from, string to)
    {
        lock (storage.Gate)
        {
            storage.CheckAlive(life);
            var (source, target) = (Full(from), Full(to));
            if (!storage.Names.TryGetValue(source, out var data))
            {
                throw new StorageException($"'{source}' does not exist", 2);
            }

            storage.ChangeNames(life, names =>
            {
                names.Remove(source);
                names[target] = data;
            });
        }
    }

    public IStorageDirectory Subdirectory(string name) => new SimulatedDirectory(storage, life, Full(name));

    public void DeleteSubdirectory(string name)
    {
        lock (storage.Gate)
        {
            storage.CheckAlive(life);
            var prefix = Full(name) + "/";
            foreach (var full in storage.Names.Keys.Where(n =>
                n.StartsWith(prefix, StringComparison.Ordinal)).ToArray())
            {
                storage.FreeBytes += storage.Names[full].AllocatedBytes;
                storage.ChangeNames(life, names => names.Remove(full));
            }
        }
    }

    public void Sync()
    {
        lock (storage.Gate)
        {
            storage.SyncNames(life);
        }
    }

    private string Full(string name) => path.Length == 0 ? name : $"{path}/{name}";

    private IEnumerable<string> Below()
    {
        var prefix = path.Length == 0 ? string.Empty : path + "/";
        return storage.Names.Keys.Where(n =>
            n.StartsWith(prefix, StringComparison.Ordinal)).Select(n => n[prefix.Length..]);
    }
}

using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>
/// A VM's directory in a data directory, readable without journal and service. Reading changes nothing in it.
/// </summary>
public sealed class ReplicaDirectory
{
    private ReplicaDirectory(string path)
    {
        (Path, Vm) = (path, System.IO.Path.GetFileName(path));
        var directory = new UnalteredDirectory(path);
        HasReplica = ReplicaStore.Exists(directory.Subdirectory(TargetVolume.StoreDirectory));
        try
        {
            Identity = new ReplicaIdentityFile(directory).Read();
        }
        catch (ReplicaCorruptException e)
        {
            IdentityDamage = e.Message;
        }
    }

    /// <summary>The VM's name, which is that of the directory.</summary>
    public string Vm { get; }

    /// <summary>The directory's path.</summary>
    public string Path { get; }

    /// <summary>Whether there is a replica. A directory without one holds nothing that could be recovered.</summary>
    public bool HasReplica { get; }

    /// <summary>The VM's recorded history and enrollment; null when the directory has no such file.</summary>
    public ReplicaIdentity? Identity { get; }

    /// <summary>The reason why the identity file cannot be read; null when it is readable or absent.</summary>
    public string? IdentityDamage { get; }

    /// <summary>Returns the directories of all VMs in a data directory, by name.</summary>
    /// <exception cref="StorageException">The operating system reports an error.</exception>
    public static IReadOnlyList<ReplicaDirectory> In(string data)
    {
        var vms = new UnalteredDirectory(data).Subdirectory("vms");
        return [.. vms.ListDirectories().Select(name => new ReplicaDirectory(System.IO.Path.Combine(vms.Path, name)))];
    }

    /// <summary>Returns the directory of a VM; null when there is none.</summary>
    /// <exception cref="StorageException">The operating system reports an error.</exception>
    public static ReplicaDirectory? Find(string data, string vm)
    {
        var path = System.IO.Path.Combine(System.IO.Path.GetFullPath(data), "vms", vm);
        return Directory.Exists(path) ? new ReplicaDirectory(path) : null;
    }

    /// <summary>Opens the replica. Repairs are made in memory only.</summary>
    /// <exception cref="ReplicaCorruptException">The damage is such that no point of the replica may be
    /// used.</exception>
    /// <exception cref="StorageException">The operating system reports an error.</exception>
    public ReplicaStore Open() =>
        ReplicaStore.Open(new UnalteredDirectory(Path).Subdirectory(TargetVolume.StoreDirectory));

    /// <summary>Returns a short description: disks, points, and the newest point's time.</summary>
    public string Describe()
    {
        try
        {
            using var store = Open();
            var newest = store.Points.LastOrDefault(p => p.Usable);
            return $"'{Vm}' ({Readable.Count(store.Disks.Count, "disk")}, "
                + Readable.Count(store.Points.Count, "recovery point")
                + (newest is null ? "" : $", the newest of {Readable.Time(newest.Time)}") + ")";
        }
        catch (IOException e)
        {
            return $"'{Vm}' (its replica cannot be opened: {e.Message.TrimEnd('.')})";
        }
    }
}

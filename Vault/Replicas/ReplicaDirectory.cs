using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>
/// One VM's directory in a data directory, as it can be read without journal and service. Reading changes nothing in
/// it.
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

    /// <summary>The VM's name: that of the directory.</summary>
    public string Vm { get; }

    /// <summary>The directory's path.</summary>
    public string Path { get; }

    /// <summary>Whether there is a replica. A directory without one holds nothing that could be recovered.</summary>
    public bool HasReplica { get; }

    /// <summary>What the directory knows of the VM's history; null when it has no file that says so.</summary>
    public ReplicaIdentity? Identity { get; }

    /// <summary>Why that file cannot be read; null when it can, or is not there.</summary>
    public string? IdentityDamage { get; }

    /// <summary>All directories of VMs in a data directory, by name.</summary>
    /// <exception cref="StorageException">The system refuses.</exception>
    public static IReadOnlyList<ReplicaDirectory> In(string data)
    {
        var vms = new UnalteredDirectory(data).Subdirectory("vms");
        return [.. vms.ListDirectories().Select(name => new ReplicaDirectory(System.IO.Path.Combine(vms.Path, name)))];
    }

    /// <summary>The directory of one VM; null when there is none.</summary>
    /// <exception cref="StorageException">The system refuses.</exception>
    public static ReplicaDirectory? Find(string data, string vm)
    {
        var path = System.IO.Path.Combine(System.IO.Path.GetFullPath(data), "vms", vm);
        return Directory.Exists(path) ? new ReplicaDirectory(path) : null;
    }

    /// <summary>Opens the replica; what opening repairs is repaired in memory only.</summary>
    /// <exception cref="ReplicaCorruptException">It is damaged so that no point of it may be used.</exception>
    /// <exception cref="StorageException">The system refuses.</exception>
    public ReplicaStore Open() =>
        ReplicaStore.Open(new UnalteredDirectory(Path).Subdirectory(TargetVolume.StoreDirectory));

    /// <summary>A few words on what is there: disks, points, and the newest point's time.</summary>
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

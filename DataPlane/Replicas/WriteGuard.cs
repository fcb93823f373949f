using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// Guards every write to a store's files: refuses if the store is poisoned, and converts file system errors into a
/// refusal that names the remedy.
/// </summary>
/// <remarks>
/// The store's session lock guards the state, except <see cref="FullBecause"/>, which any thread may read.
/// </remarks>
internal sealed class WriteGuard(LayerStack content)
{
    private string? _fullBecause;

    /// <summary>The reason why the file system was full at the last write; null if it had space.</summary>
    public string? FullBecause => Volatile.Read(ref _fullBecause);

    /// <exception cref="ReplicaRefusedException">A sync failed, so nothing may be written.</exception>
    public void EnsureWritable()
    {
        if (content.Poisoned)
        {
            throw new ReplicaRefusedException(
                ReplicaRefusal.Unavailable,
                $"The replica store in '{content.Directory.Path}' failed to sync; it accepts no writes until it is "
                + "opened again.");
        }
    }

    /// <summary>Commits a change of the store's state to the manifest, durably.</summary>
    /// <exception cref="ReplicaRefusedException">The file system reports an error; nothing has changed.</exception>
    public void Commit(StoreRecord record) => Write(() => content.Log.Record(record));

    /// <summary>Runs an action that writes.</summary>
    /// <exception cref="ReplicaRefusedException">The file system reports an error.</exception>
    public void Write(Action action)
    {
        try
        {
            action();
            Volatile.Write(ref _fullBecause, null);
        }
        catch (StorageException e)
        {
            if (e.Errno is StorageException.NoSpace or StorageException.OverQuota)
            {
                Volatile.Write(ref _fullBecause, e.Message);
            }

            var remedy = content.Poisoned ? "open the store again" : "free space and retry";
            throw new ReplicaRefusedException(
                ReplicaRefusal.Unavailable,
                $"The replica store in '{content.Directory.Path}' could not write: {e.Message}; {remedy}.");
        }
    }
}

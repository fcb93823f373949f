using System.Collections.Concurrent;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>Snapshots in memory.</summary>
internal sealed class InMemorySnapshots : ISnapshotStore
{
    private readonly ConcurrentDictionary<PersistenceId, StoredSnapshot> _snapshots = new();

    /// <inheritdoc/>
    public ValueTask<StoredSnapshot?> LoadAsync(PersistenceId id, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new ValueTask<StoredSnapshot?>(_snapshots.GetValueOrDefault(id));
    }

    /// <inheritdoc/>
    public ValueTask SaveAsync(StoredSnapshot snapshot, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _snapshots.AddOrUpdate(
            snapshot.Id,
            static (_, added) => added,
            static (_, stored, added) => stored.Head.Sequence > added.Head.Sequence ? stored : added,
            snapshot);
        return ValueTask.CompletedTask;
    }
}

using Akka.Persistence;
using Akka.Persistence.Snapshot;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>A snapshot plugin that keeps the newest snapshot of each entity in a <see cref="MemoryStore"/>.</summary>
internal sealed class MemorySnapshots : SnapshotStore
{
    private readonly MemoryStore _store = Context.System.Settings.Setup.Get<MemoryStoreSetup>().Value.Store;

    /// <inheritdoc/>
    protected override Task<SelectedSnapshot?> LoadAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) =>
        Task.FromResult(
            _store.Snapshot(persistenceId) is { } kept && kept.Sequence <= criteria.MaxSequenceNr
                ? new SelectedSnapshot(
                    new SnapshotMetadata(persistenceId, kept.Sequence, DateTime.MinValue), kept.Snapshot)
                : null);

    /// <inheritdoc/>
    protected override Task SaveAsync(
        SnapshotMetadata metadata, object snapshot, CancellationToken cancellationToken)
    {
        _store.Save(metadata.PersistenceId, metadata.SequenceNr, snapshot);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    protected override Task DeleteAsync(SnapshotMetadata metadata, CancellationToken cancellationToken) =>
        Task.CompletedTask;

    /// <inheritdoc/>
    protected override Task DeleteAsync(
        string persistenceId, SnapshotSelectionCriteria criteria, CancellationToken cancellationToken) =>
        Task.CompletedTask;
}

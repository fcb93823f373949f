using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>What <see cref="ReplicaStore.Prune"/> did.</summary>
/// <param name="Pruned">The points that are gone.</param>
/// <param name="Kept">The points that stay, each with the reason.</param>
public sealed record PruneResult(
    IReadOnlyList<RecoveryPointId> Pruned, IReadOnlyList<(RecoveryPointId Id, string Why)> Kept);

using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>The result of <see cref="ReplicaStore.Prune"/>.</summary>
/// <param name="Pruned">The points that were dropped.</param>
/// <param name="Kept">The points that were kept, each with the reason.</param>
public sealed record PruneResult(
    IReadOnlyList<RecoveryPointId> Pruned, IReadOnlyList<(RecoveryPointId Id, string Why)> Kept);

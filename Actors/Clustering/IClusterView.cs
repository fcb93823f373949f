namespace ReplicationEngine.Actors.Clustering;

/// <summary>The cluster as this node sees it. Safe for concurrent use.</summary>
public interface IClusterView
{
    /// <summary>The members, ordered by name. A process without <see cref="ClusterNode"/> is the only one.</summary>
    IReadOnlyList<ClusterMember> Members { get; }

    /// <summary>Why this node is not a member yet, as a sentence; null once it is.</summary>
    string? Waiting { get; }

    /// <summary>
    /// Completes when the cluster has removed this node, because the other nodes could not reach it. The engine accepts
    /// nothing more; end the process, and let its supervisor start it again.
    /// </summary>
    Task Removed { get; }

    /// <summary>Returns where the entities are, by asking the nodes.</summary>
    /// <param name="within">How long the nodes may take to reply.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="TimeoutException">A node did not reply in time.</exception>
    ValueTask<IReadOnlyList<ShardPlace>> ShardsAsync(TimeSpan within, CancellationToken cancellationToken);
}

/// <summary>A node of the cluster.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Address">The address at which other nodes reach it.</param>
/// <param name="Status">Joining, up, leaving and so on.</param>
/// <param name="Roles">The roles of the node.</param>
/// <param name="IsReachable">Whether the nodes can reach it.</param>
/// <param name="IsLeader">Whether it is the cluster's leader.</param>
/// <param name="IsSelf">Whether it is this node.</param>
public sealed record ClusterMember(
    string Name, string Address, ClusterMemberStatus Status, IReadOnlyList<string> Roles, bool IsReachable,
    bool IsLeader, bool IsSelf);

/// <summary>The status of a member.</summary>
public enum ClusterMemberStatus
{
    /// <summary>The node is joining.</summary>
    Joining = 1,

    /// <summary>The node is a full member.</summary>
    Up = 2,

    /// <summary>The node hands over what it runs, because it is being stopped.</summary>
    Leaving = 3,

    /// <summary>The node is being removed because the others could not reach it.</summary>
    Down = 4,
}

/// <summary>The place of a shard.</summary>
/// <param name="Type">The entity type.</param>
/// <param name="Shard">The number of the shard.</param>
/// <param name="Node">The name of the node.</param>
/// <param name="Entities">The number of its entities in memory.</param>
public sealed record ShardPlace(string Type, string Shard, string Node, int Entities);

using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The entry point for embedders of the engine. Safe for concurrent use.</summary>
public interface IReplicationEngine
{
    /// <summary>Returns the entities of one registered type.</summary>
    /// <exception cref="InvalidOperationException">The type was not registered with <c>AddEntity</c>.</exception>
    IEntitySet<TState, TCommand, TEvent> Entities<TState, TCommand, TEvent>()
        where TState : class
        where TCommand : class
        where TEvent : class;

    /// <summary>
    /// Returns every event of the journal after <paramref name="after"/>, and then each new event as it arrives.
    /// </summary>
    /// <remarks>
    /// Save the last position that was handled and continue from it after a restart; then no event is missed. Events
    /// that have moved to the archive (<see cref="ReplicationEngineOptions.ArchiveAfter"/>) are no longer in the feed
    /// but only in their entity's history. Each event was in the feed for at least that long.
    /// </remarks>
    IAsyncEnumerable<FeedEvent> FollowFeedAsync(FeedPosition after, CancellationToken cancellationToken);

    /// <summary>
    /// Returns up to <paramref name="maxEvents"/> events of the journal after <paramref name="after"/>.
    /// </summary>
    ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>The documents made by the registered projections.</summary>
    IReadModel ReadModel { get; }

    /// <summary>The health of the journal.</summary>
    JournalTrouble Trouble { get; }

    /// <summary>The cluster of which this process is a node.</summary>
    IClusterView Cluster { get; }
}

/// <summary>The entities of one type.</summary>
public interface IEntitySet<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <summary>Returns a handle. The call is cheap and does not check whether the entity exists.</summary>
    IEntityHandle<TState, TCommand, TEvent> Get(VaultId vault, string entity);

    /// <summary>Returns the names of the vault's entities that have at least one event, in ordinal order.</summary>
    ValueTask<IReadOnlyList<string>> ListAsync(VaultId vault, CancellationToken cancellationToken);

    /// <summary>
    /// Returns why an entity in this node's memory is out of service; null when it is in service or not in memory.
    /// </summary>
    string? QuarantineOf(VaultId vault, string entity);
}

using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The way in for those who embed the engine. Safe for concurrent use.</summary>
public interface IReplicationEngine
{
    /// <summary>The entities of one registered type.</summary>
    /// <exception cref="InvalidOperationException">The type was not registered with <c>AddEntity</c>.</exception>
    IEntitySet<TState, TCommand, TEvent> Entities<TState, TCommand, TEvent>()
        where TState : class
        where TCommand : class
        where TEvent : class;

    /// <summary>
    /// Every event of the journal that follows <paramref name="after"/>, and then each new one as it comes.
    /// </summary>
    /// <remarks>
    /// Keep the last position that was handled, and follow from there after a restart: nothing is missed. Events that
    /// have left for the archive (<see cref="ReplicationEngineOptions.ArchiveAfter"/>) are not in the feed any more,
    /// but in their entity's history; each of them was in the feed for that long.
    /// </remarks>
    IAsyncEnumerable<FeedEvent> FollowFeedAsync(FeedPosition after, CancellationToken cancellationToken);

    /// <summary>
    /// Up to <paramref name="maxEvents"/> events of the journal that follow <paramref name="after"/>.
    /// </summary>
    ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>What the registered projections have made of the events.</summary>
    IReadModel ReadModel { get; }

    /// <summary>Whether the journal works.</summary>
    JournalTrouble Trouble { get; }
}

/// <summary>The entities of one type.</summary>
public interface IEntitySet<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <summary>A handle; costs nothing and says nothing about whether the entity exists.</summary>
    IEntityHandle<TState, TCommand, TEvent> Get(VaultId vault, string entity);

    /// <summary>The names of the vault's entities that have at least one event, in ordinal order.</summary>
    ValueTask<IReadOnlyList<string>> ListAsync(VaultId vault, CancellationToken cancellationToken);

    /// <summary>
    /// Why an entity that is in memory here is out of service; null when it is in service, or not in memory.
    /// </summary>
    string? QuarantineOf(VaultId vault, string entity);
}

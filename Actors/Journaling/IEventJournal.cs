using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// The event journal: one stream per entity, and one feed over all of them. Safe for concurrent use. Every
/// implementation passes the conformance suite in Tests/Persistence.
/// </summary>
public interface IEventJournal
{
    /// <summary>
    /// Appends in one transaction that checks, in this order, the fencing token, the command id and the expected head.
    /// The store batches concurrent appends into shared transactions (group commit); each is judged for itself. May
    /// complete synchronously.
    /// </summary>
    /// <exception cref="JournalCorruptException">The store's file is damaged.</exception>
    ValueTask<AppendOutcome> AppendAsync(AppendRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Reads up to <paramref name="maxEvents"/> events that follow <paramref name="after"/>, verified.
    /// </summary>
    /// <exception cref="JournalCorruptException">Names the first event that is damaged, missing or
    /// misplaced.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>
    /// Reads up to <paramref name="maxEvents"/> events of the feed that follow <paramref name="after"/>.
    /// </summary>
    /// <returns>The events in order; none when there are no newer ones.</returns>
    ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>What an accepted command led to, or null when the stream holds no event of it.</summary>
    ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken);

    /// <summary>The streams of a type, ordered by vault and entity (ordinal).</summary>
    ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken);
}

/// <summary>The wake marks of all entities, as the last append of each left them.</summary>
public interface IReminderIndex
{
    /// <summary>
    /// The entities of a type whose mark is not <see cref="WakeMark.None"/>, ordered by vault and entity.
    /// </summary>
    ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken);
}

/// <summary>One line of the reminder index.</summary>
public sealed record WakeEntry(PersistenceId Id, WakeMark Mark);

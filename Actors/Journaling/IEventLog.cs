using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// Reads what the journal plugin has stored: streams, the feed over all of them, and the indexes. Safe for concurrent
/// use. Every implementation passes the conformance suite in Tests/Persistence.
/// </summary>
public interface IEventLog
{
    /// <summary>
    /// Whether an event is in the feed as soon as its persist has succeeded; else it comes a moment later, when older
    /// transactions have ended.
    /// </summary>
    bool ShowsAtOnce { get; }

    /// <summary>
    /// Reads up to <paramref name="maxEvents"/> events that follow <paramref name="after"/>, verified.
    /// </summary>
    /// <exception cref="JournalCorruptException">Names the first event that is damaged, missing or
    /// misplaced.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>
    /// The head behind an event, so that a stream can be read from there; <see cref="StreamHead.Start"/> for 0, null
    /// when there is no such event.
    /// </summary>
    /// <exception cref="JournalCorruptException">The event cannot be read, or does not match its seal.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<StreamHead?> HeadAtAsync(PersistenceId id, long sequence, CancellationToken cancellationToken);

    /// <summary>Whether events may have left the journal for its archive; false when certainly none has.</summary>
    bool MayBeArchived { get; }

    /// <summary>
    /// The number of the stream's last event that has left the journal for its archive; 0 when none has. Streams are
    /// read as if they lay in one place; the feed has only what is still in the journal.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<long> ArchivedToAsync(PersistenceId id, CancellationToken cancellationToken);

    /// <summary>
    /// Reads up to <paramref name="maxEvents"/> events of the feed that follow <paramref name="after"/>.
    /// </summary>
    /// <returns>The events in commit order; none when there are no newer ones.</returns>
    /// <exception cref="JournalCorruptException">An event cannot be read.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>
    /// The same without the events' contents, which need not be readable: where they stand and whose they are.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<FeedPlace>> ReadPlacesAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>The place of the last event that is stored; <see cref="FeedPosition.Start"/> when there is
    /// none.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<FeedPosition> FeedEndAsync(CancellationToken cancellationToken);

    /// <summary>How many events are stored behind a place of the feed.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<long> CountFeedAsync(FeedPosition after, CancellationToken cancellationToken);

    /// <summary>What an accepted command led to, or null when the stream holds no event of it (I19).</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken);

    /// <summary>The streams of a type, ordered by vault and entity (ordinal).</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken);

    /// <summary>
    /// The entities of a type whose last event's mark is not <see cref="WakeMark.None"/>, ordered by vault and entity.
    /// One whose last event cannot be read is listed as owing effects: waking it shows what is wrong.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken);
}

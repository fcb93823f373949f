using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// Reads what the journal plugin has stored: streams, the global feed, and the indexes. Safe for concurrent use. Every
/// implementation passes the conformance suite in Tests/Persistence.
/// </summary>
public interface IEventLog
{
    /// <summary>
    /// Whether an event is in the feed as soon as its persist succeeds. If false, it appears shortly after, once older
    /// transactions have ended.
    /// </summary>
    bool ShowsAtOnce { get; }

    /// <summary>
    /// Reads and verifies up to <paramref name="maxEvents"/> events of a stream after <paramref name="after"/>.
    /// </summary>
    /// <exception cref="JournalCorruptException">An event is damaged, missing or misplaced. The exception names the
    /// first one.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>
    /// Returns the head after an event, from which the stream can be read. Returns <see cref="StreamHead.Start"/> for
    /// 0, and null when there is no such event.
    /// </summary>
    /// <exception cref="JournalCorruptException">The event cannot be read, or does not match its seal.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<StreamHead?> HeadAtAsync(PersistenceId id, long sequence, CancellationToken cancellationToken);

    /// <summary>
    /// Whether events may have left the journal for its archive. False means that certainly none has.
    /// </summary>
    bool MayBeArchived { get; }

    /// <summary>
    /// Returns the number of the stream's last archived event; 0 when none is archived. Streams are read across journal
    /// and archive; the feed has only what is still in the journal.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<long> ArchivedToAsync(PersistenceId id, CancellationToken cancellationToken);

    /// <summary>Reads up to <paramref name="maxEvents"/> events of the feed after <paramref name="after"/>.</summary>
    /// <returns>The events in commit order; empty when there are no newer ones.</returns>
    /// <exception cref="JournalCorruptException">An event cannot be read.</exception>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>
    /// Reads positions and ids of feed events without their contents, which may therefore be unreadable.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<FeedPlace>> ReadPlacesAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken);

    /// <summary>
    /// Returns the position of the last stored event; <see cref="FeedPosition.Start"/> when there is none.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<FeedPosition> FeedEndAsync(CancellationToken cancellationToken);

    /// <summary>Returns the number of events stored after a position of the feed.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<long> CountFeedAsync(FeedPosition after, CancellationToken cancellationToken);

    /// <summary>Returns the record of an accepted command; null when the stream holds no event of it (I19).</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken);

    /// <summary>Returns the streams of a type, ordered by vault and entity (ordinal).</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken);

    /// <summary>
    /// Returns the entities of a type whose last event has a mark other than <see cref="WakeMark.None"/>, ordered by
    /// vault and entity. An entity whose last event cannot be read is listed with outstanding effects: waking it
    /// reveals the problem.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken);
}

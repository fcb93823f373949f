using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence;

/// <summary>Turns events as read into a verified slice.</summary>
internal static class StreamEnd
{
    /// <summary>The head behind one event, whose seal is checked by itself.</summary>
    /// <exception cref="JournalCorruptException">Its content does not match its seal.</exception>
    public static StreamHead HeadOf(PersistenceId id, long sequence, StoredEvent stored) =>
        EventChain.Verify(id, new StreamHead(sequence - 1, stored.Previous), stored);

    /// <summary>
    /// Verifies the chain, and that something derived from event <paramref name="after"/> is not newer than the stream.
    /// </summary>
    /// <param name="id">The stream.</param>
    /// <param name="after">The event that was read before.</param>
    /// <param name="events">Those that follow it.</param>
    /// <param name="last">The number of the stream's last event.</param>
    /// <exception cref="JournalCorruptException">Names the first event that is damaged or missing.</exception>
    public static StreamSlice Check(
        PersistenceId id, StreamHead after, IReadOnlyList<StoredEvent> events, long last)
    {
        if (after.Sequence > last)
        {
            throw new JournalCorruptException(
                id, last + 1, $"the stream ends before it, but other data was derived from event {after.Sequence}");
        }

        var head = EventChain.Verify(id, after, events);
        return events.Count == 0 && head.Sequence < last
            ? throw new JournalCorruptException(id, head.Sequence + 1, "it is missing")
            : new StreamSlice(events, head.Sequence >= last);
    }
}

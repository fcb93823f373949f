using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence;

/// <summary>Converts events as read to a verified slice.</summary>
internal static class StreamEnd
{
    /// <summary>Returns the head after one event, whose seal is verified on its own.</summary>
    /// <exception cref="JournalCorruptException">The content does not match the seal.</exception>
    public static StreamHead HeadOf(PersistenceId id, long sequence, StoredEvent stored) =>
        EventChain.Verify(id, new StreamHead(sequence - 1, stored.Previous), stored);

    /// <summary>
    /// Verifies the chain, and that the caller's data, derived from event <paramref name="after"/>, is not newer than
    /// the stream.
    /// </summary>
    /// <param name="id">The id of the stream.</param>
    /// <param name="after">The last event that was read before.</param>
    /// <param name="events">The events that follow it.</param>
    /// <param name="last">The number of the stream's last event.</param>
    /// <exception cref="JournalCorruptException">An event is damaged or missing. The exception names the first
    /// one.</exception>
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

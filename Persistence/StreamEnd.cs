using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence;

/// <summary>Turns events as read into a verified slice.</summary>
internal static class StreamEnd
{
    /// <summary>
    /// Verifies the chain, and that the stream ends where its stored head says: an end that was cut off is damage too.
    /// </summary>
    /// <exception cref="JournalCorruptException">Names the first event that is damaged or missing.</exception>
    public static StreamSlice Check(
        PersistenceId id, StreamHead after, IReadOnlyList<StoredEvent> events, StreamHead stored)
    {
        if (after.Sequence > stored.Sequence)
        {
            throw new JournalCorruptException(
                id,
                stored.Sequence + 1,
                $"the stream ends before it, but something was derived from event {after.Sequence}");
        }

        var head = EventChain.Verify(id, after, events);
        if (events.Count == 0 && head.Sequence < stored.Sequence)
        {
            throw new JournalCorruptException(id, head.Sequence + 1, "it is missing");
        }

        if (head.Sequence == stored.Sequence && head.Hash != stored.Hash)
        {
            throw new JournalCorruptException(id, head.Sequence, "it does not carry the seal of the stream's head");
        }

        return new StreamSlice(events, head.Sequence >= stored.Sequence);
    }
}

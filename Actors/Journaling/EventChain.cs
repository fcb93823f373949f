// The hash chain of an entity's stream. The seal of event n is SHA-256 over, in this order:
//
//   bytes        what
//   32           the seal of event n-1 (zeroes for n = 1)
//   4 + name     length (u32, little endian) and UTF-8 of the stored name
//   4 + payload  length (u32, little endian) and the payload
//   8            sequence number (i64, little endian)
//   8            time as UTC ticks of 100 ns since 0001-01-01 (i64, little endian)
//   4 + actor    length (u32, little endian) and UTF-8 of the actor
//   16           command id (RFC 9562 byte order)
//
// The lengths make the encoding injective: no two different events give the same bytes. A change, a removal, an
// insertion or a swap anywhere therefore breaks the seal of the damaged event or of the one that follows it, and the
// stored head of the stream shows a cut-off end.
using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// Seals events and checks the seals (S23: every state change stands in a hash-chained audit stream).
/// </summary>
public static class EventChain
{
    private const int FixedLength = ChainHash.Length + 4 + 4 + 8 + 8 + 4 + 16;

    /// <summary>The event that follows <paramref name="head"/>, sealed.</summary>
    public static StoredEvent Seal(
        StreamHead head, EncodedEvent encoded, DateTimeOffset time, string actor, CommandId commandId)
    {
        var sequence = head.Sequence + 1;
        var utc = time.ToUniversalTime();
        var hash = Hash(head.Hash, encoded, sequence, utc, actor, commandId);
        return new StoredEvent(sequence, encoded.Name, encoded.Payload, utc, actor, commandId, hash);
    }

    /// <summary>
    /// Checks that the events follow <paramref name="after"/> without a gap and that every seal is right.
    /// </summary>
    /// <returns>The head after the last event.</returns>
    /// <exception cref="JournalCorruptException">Names the stream and the first event that does not fit.</exception>
    public static StreamHead Verify(PersistenceId id, StreamHead after, IReadOnlyList<StoredEvent> events)
    {
        var head = after;
        for (var i = 0; i < events.Count; i++)
        {
            head = Verify(id, head, events[i]);
        }

        return head;
    }

    private static StreamHead Verify(PersistenceId id, StreamHead head, StoredEvent stored)
    {
        var expected = head.Sequence + 1;
        if (stored.Sequence != expected)
        {
            throw new JournalCorruptException(id, expected, $"event {stored.Sequence} stands in its place");
        }

        var encoded = new EncodedEvent(stored.Name, stored.Payload);
        var hash = Hash(head.Hash, encoded, expected, stored.Time, stored.Actor, stored.CommandId);
        if (hash != stored.Hash)
        {
            throw new JournalCorruptException(id, expected, "its content does not match its seal");
        }

        return new StreamHead(expected, hash);
    }

    private static ChainHash Hash(
        ChainHash previous, EncodedEvent encoded, long sequence, DateTimeOffset time, string actor, CommandId commandId)
    {
        var bound = FixedLength + encoded.Payload.Length + 3 * (encoded.Name.Length + actor.Length);
        byte[]? rented = null;
        Span<byte> buffer = bound <= 1024 ? stackalloc byte[1024] : (rented = ArrayPool<byte>.Shared.Rent(bound));
        previous.CopyTo(buffer);
        var at = ChainHash.Length;
        at += WriteText(buffer[at..], encoded.Name);
        BinaryPrimitives.WriteInt32LittleEndian(buffer[at..], encoded.Payload.Length);
        encoded.Payload.CopyTo(buffer[(at + 4)..]);
        at += 4 + encoded.Payload.Length;
        BinaryPrimitives.WriteInt64LittleEndian(buffer[at..], sequence);
        BinaryPrimitives.WriteInt64LittleEndian(buffer[(at + 8)..], time.UtcTicks);
        at += 16;
        at += WriteText(buffer[at..], actor);
        commandId.Value.TryWriteBytes(buffer[at..], bigEndian: true, out _);
        at += 16;

        Span<byte> hash = stackalloc byte[ChainHash.Length];
        SHA256.HashData(buffer[..at], hash);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return new ChainHash(hash);
    }

    private static int WriteText(Span<byte> destination, string text)
    {
        var length = Encoding.UTF8.GetBytes(text, destination[4..]);
        BinaryPrimitives.WriteInt32LittleEndian(destination, length);
        return 4 + length;
    }
}

// The hash chain of an entity's stream. The seal of event n is SHA-256 over, in this order, integers little endian:
//
//   bytes        what
//   32           the seal of event n-1 (zeroes for n = 1)
//   4 + name     length (u32) and UTF-8 of the stored name
//   4 + payload  length (u32) and the payload
//   8            sequence number (i64)
//   8            time as UTC ticks of 100 ns since 0001-01-01 (i64)
//   4 + actor    length (u32) and UTF-8 of the actor
//   16           command id (RFC 9562 byte order)
//   1            0: the command's last event follows later. 1: the recorded command follows here:
//     4 + name     length (u32) and UTF-8 of the command's name
//     4 + payload  length (u32) and the encoded command
//     4 + digest   length (u32) and UTF-8 of the digest; no digest: length 0xFFFFFFFF
//     8 + 8        the steady clock's life and moment as UTC ticks (i64); no steady clock: twice -1
//     8            the earliest timer as UTC ticks (i64); no timer: -1
//     1            1 when effects are outstanding, else 0
//
// The lengths make the encoding injective: no two different events give the same bytes. A change, a removal, an
// insertion or a swap anywhere therefore breaks the seal of the damaged event or of the one that follows it.
using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>Seals events and verifies seals. Every state change is in a hash-chained audit stream (S23).</summary>
public static class EventChain
{
    private const int FixedLength = 256;

    /// <summary>A hash object per thread: reusing one costs a quarter less than creating a new one.</summary>
    [ThreadStatic]
    private static IncrementalHash? t_sha256;

    /// <summary>Returns the sealed event that follows <paramref name="head"/>.</summary>
    public static StoredEvent Seal(
        StreamHead head, EncodedEvent encoded, DateTimeOffset time, string actor, CommandId commandId,
        RecordedCommand? command)
    {
        var (sequence, utc) = (head.Sequence + 1, time.ToUniversalTime());
        return new StoredEvent(
            sequence, encoded.Name, encoded.Payload, utc, actor, commandId, command, head.Hash,
            Hash(head.Hash, sequence, encoded, utc, actor, commandId, command));
    }

    /// <summary>
    /// Verifies that the events follow <paramref name="after"/> without a gap and that every seal is correct.
    /// </summary>
    /// <returns>The head after the last event.</returns>
    /// <exception cref="JournalCorruptException">The chain is broken. The exception names the stream and the first
    /// event that does not fit.</exception>
    public static StreamHead Verify(PersistenceId id, StreamHead after, IReadOnlyList<StoredEvent> events)
    {
        var head = after;
        for (var i = 0; i < events.Count; i++)
        {
            head = Verify(id, head, events[i]);
        }

        return head;
    }

    /// <summary>Verifies that one event follows <paramref name="head"/> and that its seal is correct.</summary>
    /// <returns>The head after the event.</returns>
    /// <exception cref="JournalCorruptException">The chain is broken. The exception names the stream and the
    /// event.</exception>
    public static StreamHead Verify(PersistenceId id, StreamHead head, StoredEvent stored)
    {
        var expected = head.Sequence + 1;
        if (stored.Sequence != expected)
        {
            throw new JournalCorruptException(id, expected, $"event {stored.Sequence} is in its place");
        }

        if (stored.Previous != head.Hash)
        {
            throw new JournalCorruptException(id, expected, "it does not follow the event before it");
        }

        var seal = Hash(
            head.Hash, stored.Sequence, new EncodedEvent(stored.Name, stored.Payload), stored.Time, stored.Actor,
            stored.CommandId, stored.Command);
        return seal == stored.Hash
            ? stored.Head
            : throw new JournalCorruptException(id, expected, "its content does not match its seal");
    }

    private static ChainHash Hash(
        ChainHash previous, long sequence, EncodedEvent encoded, DateTimeOffset time, string actor,
        CommandId commandId, RecordedCommand? command)
    {
        var bound = FixedLength + encoded.Payload.Length + 3 * (encoded.Name.Length + actor.Length);
        if (command is { } recorded)
        {
            bound += recorded.Payload.Length + 3 * (recorded.Name.Length + (recorded.Digest?.Length ?? 0));
        }

        byte[]? rented = null;
        Span<byte> buffer = bound <= 2048 ? stackalloc byte[2048] : (rented = ArrayPool<byte>.Shared.Rent(bound));
        var rest = buffer;
        previous.CopyTo(rest);
        rest = rest[ChainHash.Length..];
        WriteText(ref rest, encoded.Name);
        WriteBytes(ref rest, encoded.Payload);
        WriteNumber(ref rest, sequence);
        WriteNumber(ref rest, time.UtcTicks);
        WriteText(ref rest, actor);
        commandId.Value.TryWriteBytes(rest, bigEndian: true, out _);
        rest = rest[16..];
        WriteCommand(ref rest, command);

        Span<byte> hash = stackalloc byte[ChainHash.Length];
        var sha256 = t_sha256 ??= IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        sha256.AppendData(buffer[..(buffer.Length - rest.Length)]);
        sha256.GetHashAndReset(hash);
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
        }

        return new ChainHash(hash);
    }

    private static void WriteCommand(ref Span<byte> rest, RecordedCommand? command)
    {
        rest[0] = command is null ? (byte)0 : (byte)1;
        rest = rest[1..];
        if (command is null)
        {
            return;
        }

        WriteText(ref rest, command.Name);
        WriteBytes(ref rest, command.Payload);
        if (command.Digest is { } digest)
        {
            WriteText(ref rest, digest);
        }
        else
        {
            BinaryPrimitives.WriteUInt32LittleEndian(rest, uint.MaxValue);
            rest = rest[4..];
        }

        WriteNumber(ref rest, command.Steady?.Life.UtcTicks ?? -1);
        WriteNumber(ref rest, command.Steady?.At.UtcTicks ?? -1);
        WriteNumber(ref rest, command.Wake.NextDue?.UtcTicks ?? -1);
        rest[0] = command.Wake.OwesEffects ? (byte)1 : (byte)0;
        rest = rest[1..];
    }

    private static void WriteNumber(ref Span<byte> rest, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(rest, value);
        rest = rest[8..];
    }

    private static void WriteBytes(ref Span<byte> rest, byte[] bytes)
    {
        BinaryPrimitives.WriteInt32LittleEndian(rest, bytes.Length);
        bytes.CopyTo(rest[4..]);
        rest = rest[(4 + bytes.Length)..];
    }

    private static void WriteText(ref Span<byte> rest, string text)
    {
        var length = Encoding.UTF8.GetBytes(text, rest[4..]);
        BinaryPrimitives.WriteInt32LittleEndian(rest, length);
        rest = rest[(4 + length)..];
    }
}

// The checksum of a snapshot is SHA-256 over, in this order, integers little endian:
//
//   bytes        what
//   4            version (i32)
//   8 + 32       number (i64) and seal of the event after which it was taken
//   8            time of that event as UTC ticks (i64)
//   4 + payload  length (i32) and the encoded state
//   4            number of commands (i32), and for each of them:
//     16           command id (RFC 9562 byte order)
//     8            its last event (i64)
//     4 + digest   length (i32) and UTF-8 of the digest; no digest: length -1
//   1            1 when these are all commands, else 0
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// The encoded state of an entity after an event. A snapshot only saves time: the stream is authoritative.
/// </summary>
/// <param name="Version">The codec's snapshot version.</param>
/// <param name="Head">The event after which the snapshot was taken; reading continues from there.</param>
/// <param name="DecidedAt">When the event was decided (UTC).</param>
/// <param name="Payload">The encoded state.</param>
/// <param name="Commands">The most recently accepted commands, oldest first.</param>
/// <param name="CoversStream">Whether <paramref name="Commands"/> are all commands of the stream.</param>
/// <param name="Checksum">The SHA-256 of all other values.</param>
public sealed record EntitySnapshot(
    int Version, StreamHead Head, DateTimeOffset DecidedAt, byte[] Payload, ValueList<CommandRecord> Commands,
    bool CoversStream, ChainHash Checksum)
{
    /// <summary>Whether the checksum matches the content.</summary>
    public bool IsIntact => Sum() == Checksum;

    /// <summary>Creates a snapshot with its checksum.</summary>
    public static EntitySnapshot Create(
        int version, StreamHead head, DateTimeOffset decidedAt, byte[] payload, ValueList<CommandRecord> commands,
        bool coversStream)
    {
        var snapshot = new EntitySnapshot(version, head, decidedAt, payload, commands, coversStream, default);
        return snapshot with { Checksum = snapshot.Sum() };
    }

    private ChainHash Sum()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> buffer = stackalloc byte[ChainHash.Length];
        AppendInt(hash, buffer, Version);
        AppendLong(hash, buffer, Head.Sequence);
        Head.Hash.CopyTo(buffer);
        hash.AppendData(buffer);
        AppendLong(hash, buffer, DecidedAt.UtcTicks);
        AppendInt(hash, buffer, Payload.Length);
        hash.AppendData(Payload);
        AppendInt(hash, buffer, Commands.Count);
        foreach (var command in Commands)
        {
            command.CommandId.Value.TryWriteBytes(buffer, bigEndian: true, out _);
            hash.AppendData(buffer[..16]);
            AppendLong(hash, buffer, command.LastSequence);
            var digest = Encoding.UTF8.GetBytes(command.Digest ?? "");
            AppendInt(hash, buffer, command.Digest is null ? -1 : digest.Length);
            hash.AppendData(digest);
        }

        buffer[0] = CoversStream ? (byte)1 : (byte)0;
        hash.AppendData(buffer[..1]);
        hash.GetHashAndReset(buffer);
        return new ChainHash(buffer);
    }

    private static void AppendInt(IncrementalHash hash, Span<byte> buffer, int value)
    {
        BinaryPrimitives.WriteInt32LittleEndian(buffer, value);
        hash.AppendData(buffer[..4]);
    }

    private static void AppendLong(IncrementalHash hash, Span<byte> buffer, long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(buffer, value);
        hash.AppendData(buffer[..8]);
    }
}

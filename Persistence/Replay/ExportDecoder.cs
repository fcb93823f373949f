using System.Buffers.Binary;
using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>Reads the bodies of an export's records; a body that is none gives null, never an exception.</summary>
internal sealed class ExportDecoder(ExportHeader header)
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>The streams, by their places in the header's list.</summary>
    public IReadOnlyList<PersistenceId> Streams { get; } =
        [.. header.Streams.Select(s => new PersistenceId(s.Type, new VaultId(s.Vault), s.Entity))];

    public RecordedEvent? Event(ReadOnlySpan<byte> body)
    {
        if (body.Length < ExportFormat.EventFixed
            || StreamAt(body) is not { } id
            || BinaryPrimitives.ReadUInt32LittleEndian(body[4..]) is var name && name >= header.Names.Count
            || BinaryPrimitives.ReadUInt32LittleEndian(body[89..]) is var actor
                && actor > body.Length - ExportFormat.EventFixed)
        {
            return null;
        }

        var behind = ExportFormat.EventFixed + (int)actor;
        if (Text(body[ExportFormat.EventFixed..behind]) is not { } by)
        {
            return null;
        }

        var flags = body[80];
        var due = TimeOf(BinaryPrimitives.ReadInt64LittleEndian(body[81..]));
        return new RecordedEvent(
            new FeedPosition(BinaryPrimitives.ReadInt64LittleEndian(body[8..])),
            id,
            new StoredEvent(
                BinaryPrimitives.ReadInt64LittleEndian(body[16..]),
                header.Names[(int)name],
                body[behind..].ToArray(),
                TimeOf(BinaryPrimitives.ReadInt64LittleEndian(body[24..])),
                by,
                new CommandId(new Guid(body.Slice(32, 16), bigEndian: true)),
                new ChainHash(body.Slice(48, 32))),
            new WakeMark((flags & 1) != 0 ? due : null, (flags & 2) != 0));
    }

    public StoredSnapshot? Snapshot(ReadOnlySpan<byte> body) =>
        body.Length < ExportFormat.SnapshotFixed || StreamAt(body) is not { } id ? null : new StoredSnapshot(
            id,
            BinaryPrimitives.ReadInt32LittleEndian(body[4..]),
            new StreamHead(BinaryPrimitives.ReadInt64LittleEndian(body[8..]), new ChainHash(body.Slice(16, 32))),
            body[ExportFormat.SnapshotFixed..].ToArray(),
            new ChainHash(body.Slice(48, 32)));

    /// <summary>A seal from the header; one that is none equals no event's.</summary>
    public static ChainHash HashOf(string hex) =>
        hex.Length == 2 * ChainHash.Length && hex.All(char.IsAsciiHexDigit)
            ? new ChainHash(Convert.FromHexString(hex)) : ChainHash.None;

    /// <summary>Ticks outside the calendar are damage; they are clamped, and seal or checksum show it.</summary>
    public static DateTimeOffset TimeOf(long ticks) =>
        new(Math.Clamp(ticks, 0, DateTimeOffset.MaxValue.UtcTicks), TimeSpan.Zero);

    private PersistenceId? StreamAt(ReadOnlySpan<byte> body) =>
        BinaryPrimitives.ReadUInt32LittleEndian(body) is var stream && stream < Streams.Count
            ? Streams[(int)stream] : null;

    private static string? Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return Strict.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}

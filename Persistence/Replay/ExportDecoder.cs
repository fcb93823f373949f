using System.Buffers.Binary;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>Decodes the bodies of an export's records. An invalid body gives null, never an exception.</summary>
internal sealed class ExportDecoder(ExportHeader header)
{
    /// <summary>The streams, in the order of the header's list.</summary>
    public IReadOnlyList<PersistenceId> Streams { get; } =
        [.. header.Streams.Select(s => new PersistenceId(s.Type, new VaultId(s.Vault), s.Entity))];

    public RecordedEvent? Event(ReadOnlySpan<byte> body) =>
        body.Length < ExportFormat.EventFixed
            || StreamAt(body) is not { } id
            || BinaryPrimitives.ReadUInt32LittleEndian(body[4..]) is var name && name >= header.Names.Count
            ? null
            : RecordedEvent.Read(
                BinaryPrimitives.ReadInt64LittleEndian(body[8..]), id,
                BinaryPrimitives.ReadInt64LittleEndian(body[16..]), header.Names[(int)name],
                body[ExportFormat.EventFixed..].ToArray());

    public RecordedSnapshot? Snapshot(ReadOnlySpan<byte> body) =>
        body.Length < ExportFormat.SnapshotFixed || StreamAt(body) is not { } id ? null : RecordedSnapshot.Read(
            id, BinaryPrimitives.ReadInt64LittleEndian(body[4..]), body[ExportFormat.SnapshotFixed..].ToArray());

    /// <summary>Parses a seal of the header. An invalid text gives a seal that equals no event's.</summary>
    public static ChainHash HashOf(string hex) =>
        hex.Length == 2 * ChainHash.Length && hex.All(char.IsAsciiHexDigit)
            ? new ChainHash(Convert.FromHexString(hex)) : ChainHash.None;

    private PersistenceId? StreamAt(ReadOnlySpan<byte> body) =>
        BinaryPrimitives.ReadUInt32LittleEndian(body) is var stream && stream < Streams.Count
            ? Streams[(int)stream] : null;
}

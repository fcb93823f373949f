// An exported journal. Little endian; the header is JSON so that any tool can identify the file.
//
//   0        8 bytes   magic "RPJEXP02"
//   8        u32       length h of the header, at most 64 MiB
//   12       h bytes   header, UTF-8 JSON (see ExportHeader)
//   12 + h   u32       CRC-32C of everything before
//   then records, one after another:
//     0      u32       length b of the body, at most 64 MiB
//     4      u8        kind: 1 event, 2 snapshot, 255 end
//     5      b bytes   body
//     5 + b  u32       CRC-32C of the record before it
//
//   event     u32 stream (place in the header's list) · u32 name (place in the header's list) · i64 position ·
//             i64 sequence · the record, as the journal holds it (see Serialization/StoredRecordForm)
//   snapshot  u32 stream · i64 sequence · the record, as the journal holds it
//   end       i64 number of records before it · 32 SHA-256 of all bytes of the file before this record
//
// Events are in the order of the feed, followed by the snapshots. Every byte is covered by a CRC that locates a
// flip, by the digest and, for the essential parts of an event, by its stream's hash chain. Equal journals give equal
// files.
using System.Buffers.Binary;
using System.Numerics;
using System.Text.Json.Serialization;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>The constants of the format.</summary>
internal static class ExportFormat
{
    public const int MagicLength = 8;
    public const int MostBytes = 64 << 20;
    public const int RecordOverhead = 4 + 1 + 4;
    public const byte EventKind = 1;
    public const byte SnapshotKind = 2;
    public const byte EndKind = 255;
    public const int EventFixed = 4 + 4 + 8 + 8;
    public const int SnapshotFixed = 4 + 8;
    public const int EndLength = 8 + 32;
    public const int Version = 2;
    public const string Name = "replication-engine-journal";

    public static ReadOnlySpan<byte> Magic => "RPJEXP02"u8;

    public static ReadOnlySpan<byte> FormerMagic => "RPJEXP01"u8;

    /// <summary>Computes the CRC-32C (Castagnoli), as everywhere in the engine's formats.</summary>
    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= 8; bytes = bytes[8..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var b in bytes)
        {
            crc = BitOperations.Crc32C(crc, b);
        }

        return ~crc;
    }
}

/// <summary>The header, which identifies the file and lists its streams.</summary>
internal sealed record ExportHeader(
    string Format, int Version, bool Whole, long Events, int Snapshots, IReadOnlyList<ExportedStream> Streams,
    IReadOnlyList<string> Names);

/// <summary>An exported stream: its end, and the event after which the file's part of it begins.</summary>
internal sealed record ExportedStream(
    string Type, string Vault, string Entity, long Events, long Sequence, string Seal,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long BehindSequence = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? BehindSeal = null);

/// <summary>The JSON serialization of the header.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, WriteIndented = true,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true, NewLine = "\n")]
[JsonSerializable(typeof(ExportHeader))]
internal sealed partial class ExportJson : JsonSerializerContext;

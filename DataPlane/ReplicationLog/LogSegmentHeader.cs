using System.Buffers.Binary;
using System.Text;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>
/// The head of a log segment. Bytes, little endian; docs/formats/source.md has the whole format.
/// <code>
///   0 u32 CRC-32C of bytes 4 .. 256      4 u32 magic "RLSG"
///   8 u16 version (2)                   10 u16 flags: 1 the file was used before, 2 the segment opens its generation
///  12 u32 key id (0: not encrypted)     16 i64 sequence number
///  24 i64 generation                    32 i64 LSN of the first record
///  40 i64 sequence number of the segment before this one (0: there is none)
///  48 i64 bytes of that segment that belong to the log
///  56 u8 length of the VM's id, then its UTF-8 bytes (at most 151); zero bytes up to 208
/// 208 i64 generation, 216 i64 LSN, 224 u64 mark of the record before the first one, in any segment (0: none)
/// 232 zero bytes up to 256, where the first record begins
/// </code>
/// </summary>
internal sealed record LogSegmentHeader
{
    /// <summary>The VM to which the changes belong.</summary>
    public required ProtectedVmId Vm { get; init; }

    /// <summary>The segment's sequence number, which is also in its name.</summary>
    public required long Sequence { get; init; }

    /// <summary>The generation of all records in the segment.</summary>
    public required Generation Generation { get; init; }

    /// <summary>The number of the segment's first record.</summary>
    public required Lsn FirstLsn { get; init; }

    /// <summary>The sequence number of the previous segment.</summary>
    public required long PreviousSequence { get; init; }

    /// <summary>The end of the log in the previous segment, in bytes.</summary>
    public required long PreviousEnd { get; init; }

    /// <summary>The record before the first one; its segment may have been freed.</summary>
    public required MarkedPosition Previous { get; init; }

    /// <summary>
    /// Whether the file held an older segment, so that its length is not significant and an end mark follows the last
    /// record.
    /// </summary>
    public required bool Reused { get; init; }

    /// <summary>Whether the first record is the generation's start.</summary>
    public required bool OpensGeneration { get; init; }

    /// <summary>The number of bytes before the first record.</summary>
    public const int Size = 256;

    private const uint Magic = 0x47534C52;
    private const ushort Version = 2;
    private const int IdAt = 56;
    private const int PreviousAt = 208;

    /// <summary>Writes the encoded form of the header.</summary>
    public void Write(Span<byte> target)
    {
        target[..Size].Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(target[4..], Magic);
        BinaryPrimitives.WriteUInt16LittleEndian(target[8..], Version);
        BinaryPrimitives.WriteUInt16LittleEndian(target[10..], (ushort)((Reused ? 1 : 0) | (OpensGeneration ? 2 : 0)));
        BinaryPrimitives.WriteInt64LittleEndian(target[16..], Sequence);
        BinaryPrimitives.WriteInt64LittleEndian(target[24..], Generation.Value);
        BinaryPrimitives.WriteInt64LittleEndian(target[32..], FirstLsn.Value);
        BinaryPrimitives.WriteInt64LittleEndian(target[40..], PreviousSequence);
        BinaryPrimitives.WriteInt64LittleEndian(target[48..], PreviousEnd);
        target[IdAt] = (byte)Encoding.UTF8.GetBytes(Vm.Value, target[(IdAt + 1)..PreviousAt]);
        BinaryPrimitives.WriteInt64LittleEndian(target[PreviousAt..], Previous.Position.Generation.Value);
        BinaryPrimitives.WriteInt64LittleEndian(target[(PreviousAt + 8)..], Previous.Position.Lsn.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(target[(PreviousAt + 16)..], Previous.Mark.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(target, Crc32C.Compute(target[4..Size]));
    }

    /// <summary>Reads the encoded form; null if it is damaged or not a header.</summary>
    public static LogSegmentHeader? Read(ReadOnlySpan<byte> source)
    {
        if (source.Length < Size
            || BinaryPrimitives.ReadUInt32LittleEndian(source) != Crc32C.Compute(source[4..Size])
            || BinaryPrimitives.ReadUInt32LittleEndian(source[4..]) != Magic
            || BinaryPrimitives.ReadUInt16LittleEndian(source[8..]) != Version
            || BinaryPrimitives.ReadUInt32LittleEndian(source[12..]) != 0)
        {
            return null;
        }

        var flags = BinaryPrimitives.ReadUInt16LittleEndian(source[10..]);
        return new LogSegmentHeader
        {
            Vm = new ProtectedVmId(Encoding.UTF8.GetString(source.Slice(IdAt + 1, source[IdAt]))),
            Sequence = BinaryPrimitives.ReadInt64LittleEndian(source[16..]),
            Generation = new Generation(BinaryPrimitives.ReadInt64LittleEndian(source[24..])),
            FirstLsn = new Lsn(BinaryPrimitives.ReadInt64LittleEndian(source[32..])),
            PreviousSequence = BinaryPrimitives.ReadInt64LittleEndian(source[40..]),
            PreviousEnd = BinaryPrimitives.ReadInt64LittleEndian(source[48..]),
            Previous = new MarkedPosition(
                new ChangePosition(
                    new Generation(BinaryPrimitives.ReadInt64LittleEndian(source[PreviousAt..])),
                    new Lsn(BinaryPrimitives.ReadInt64LittleEndian(source[(PreviousAt + 8)..]))),
                new HistoryMark(BinaryPrimitives.ReadUInt64LittleEndian(source[(PreviousAt + 16)..]))),
            Reused = (flags & 1) != 0,
            OpensGeneration = (flags & 2) != 0,
        };
    }
}

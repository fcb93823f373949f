using System.Buffers.Binary;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// A SHA-256 hash that seals one event of a stream together with all events before it. The hash before the first event
/// is all zeroes (<see cref="None"/>).
/// </summary>
public readonly record struct ChainHash
{
    /// <summary>The length in bytes.</summary>
    public const int Length = 32;

    private readonly ulong _first;
    private readonly ulong _second;
    private readonly ulong _third;
    private readonly ulong _fourth;

    /// <summary>Creates a hash from its 32 bytes.</summary>
    /// <exception cref="ArgumentException">The span is not 32 bytes long.</exception>
    public ChainHash(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
        {
            throw new ArgumentException($"A chain hash has {Length} bytes, not {bytes.Length}.", nameof(bytes));
        }

        _first = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _second = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _third = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _fourth = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>The hash before the first event.</summary>
    public static ChainHash None => default;

    /// <summary>Writes the 32 bytes to a span.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _first);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _second);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _third);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _fourth);
    }

    /// <summary>Returns the hash as 64 hexadecimal digits.</summary>
    public override string ToString() => $"{_first:x16}{_second:x16}{_third:x16}{_fourth:x16}";
}

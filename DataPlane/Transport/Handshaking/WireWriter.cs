using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace ReplicationEngine.DataPlane.Transport.Handshaking;

/// <summary>Builds a small message; integers little endian.</summary>
internal sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public WireWriter Byte(byte value)
    {
        return Bytes([value]);
    }

    public WireWriter UInt16(int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, checked((ushort)value));
        _bytes.Write(bytes);
        return this;
    }

    public WireWriter Int64(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    public WireWriter Int32(int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        _bytes.Write(bytes);
        return this;
    }

    public WireWriter UInt64(ulong value) => Int64(unchecked((long)value));

    public WireWriter Guid(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Bytes(bytes);
    }

    public WireWriter Bytes(ReadOnlySpan<byte> value)
    {
        _bytes.Write(value);
        return this;
    }

    /// <summary>Writes a text preceded by its 16-bit length, truncated to so many bytes.</summary>
    public WireWriter Text(string value, int maxBytes)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        var length = Math.Min(bytes.Length, maxBytes);
        return UInt16(length).Bytes(bytes.AsSpan(0, length));
    }

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}

/// <summary>Decodes a small message; every read is checked against the remaining bytes.</summary>
internal ref struct WireReader(ReadOnlySpan<byte> source)
{
    private ReadOnlySpan<byte> _rest = source;

    public readonly bool IsEmpty => _rest.IsEmpty;

    public byte Byte() => Take(1)[0];

    public int UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(sizeof(ushort)));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(sizeof(int)));

    public Guid Guid() => new(Take(16), bigEndian: true);

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(sizeof(long)));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(sizeof(ulong)));

    public string Text() => Encoding.UTF8.GetString(Take(UInt16()));

    public ReadOnlySpan<byte> Take(int count)
    {
        if (_rest.Length < count)
        {
            throw new FrameException(FrameError.BadPayload, $"A message is {count - _rest.Length} bytes too short.");
        }

        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    /// <summary>Checks that no bytes are left.</summary>
    public readonly void End()
    {
        if (!_rest.IsEmpty)
        {
            throw new FrameException(FrameError.BadPayload, $"A message is {_rest.Length} bytes too long.");
        }
    }
}

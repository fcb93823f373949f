using System.Buffers.Binary;
using System.Text;

namespace ReplicationEngine.DataPlane.Nbd.Protocol;

/// <summary>Reads the data of an option. Every member returns false rather than read past the end.</summary>
internal ref struct OptionReader(ReadOnlySpan<byte> data)
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private ReadOnlySpan<byte> _rest = data;

    /// <summary>Whether all data has been read.</summary>
    public readonly bool AtEnd => _rest.IsEmpty;

    /// <summary>Reads a 16-bit integer.</summary>
    public bool TryReadUInt16(out ushort value)
    {
        var found = BinaryPrimitives.TryReadUInt16BigEndian(_rest, out value);
        _rest = found ? _rest[sizeof(ushort)..] : _rest;
        return found;
    }

    /// <summary>Reads a 32-bit integer.</summary>
    public bool TryReadUInt32(out uint value)
    {
        var found = BinaryPrimitives.TryReadUInt32BigEndian(_rest, out value);
        _rest = found ? _rest[sizeof(uint)..] : _rest;
        return found;
    }

    /// <summary>Reads a string preceded by its length.</summary>
    public bool TryReadString(out string value)
    {
        value = "";
        if (!TryReadUInt32(out var length) || length > _rest.Length || !TryDecode(_rest[..(int)length], out value))
        {
            return false;
        }

        _rest = _rest[(int)length..];
        return true;
    }

    /// <summary>
    /// Decodes bytes as text; false if they are not UTF-8, contain a NUL or exceed the maximum length.
    /// </summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out string value)
    {
        value = "";
        if (bytes.Length > NbdProtocol.MaxString || bytes.Contains((byte)0))
        {
            return false;
        }

        try
        {
            value = StrictUtf8.GetString(bytes);
            return true;
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }
}

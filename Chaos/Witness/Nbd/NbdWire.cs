using System.Buffers.Binary;
using System.Text;

namespace ReplicationEngine.Chaos.Witness.Nbd;

/// <summary>
/// The client's half of the NBD wire protocol. It is written from the protocol document and not from the server's code,
/// so that a mistake on one side does not cancel out on the other.
/// </summary>
public static class NbdWire
{
    /// <summary>NBD options.</summary>
    public const uint ExportName = 1, Abort = 2, List = 3, StartTls = 5, Info = 6, Go = 7, StructuredReply = 8,
        ListMetaContext = 9, SetMetaContext = 10;

    /// <summary>NBD commands.</summary>
    public const ushort Read = 0, Write = 1, Disconnect = 2, Flush = 3, Trim = 4,
        Cache = 5, WriteZeroes = 6, BlockStatus = 7;

    /// <summary>NBD command flags.</summary>
    public const ushort Fua = 1, NoHole = 2, DontFragment = 4, RequestOne = 8, FastZero = 16;

    /// <summary>NBD errors.</summary>
    public const uint Eperm = 1, Eio = 5, Einval = 22, Enospc = 28, Enotsup = 95, Eshutdown = 108;

    /// <summary>Encodes the client's flags: fixed newstyle, no zeroes.</summary>
    public static byte[] ClientFlags(uint flags = 3) => Bytes(4, s => BinaryPrimitives.WriteUInt32BigEndian(s, flags));

    /// <summary>Encodes an option with its data.</summary>
    public static byte[] Option(uint option, params byte[] data) =>
        OptionHeader(option, (uint)data.Length).Concat(data).ToArray();

    /// <summary>Encodes the header of an option that claims a length.</summary>
    public static byte[] OptionHeader(uint option, uint length) => Bytes(16, s =>
    {
        BinaryPrimitives.WriteUInt64BigEndian(s, 0x49484156454F5054);
        BinaryPrimitives.WriteUInt32BigEndian(s[8..], option);
        BinaryPrimitives.WriteUInt32BigEndian(s[12..], length);
    });

    /// <summary>Encodes the data of INFO and GO.</summary>
    public static byte[] InfoData(string name, params ushort[] wanted) =>
    [
        .. Text(name),
        .. Bytes(2, s => BinaryPrimitives.WriteUInt16BigEndian(s, (ushort)wanted.Length)),
        .. wanted.SelectMany(w => Bytes(2, s => BinaryPrimitives.WriteUInt16BigEndian(s, w))),
    ];

    /// <summary>Encodes the data of LIST_META_CONTEXT and SET_META_CONTEXT.</summary>
    public static byte[] ContextData(string name, params string[] queries) =>
    [
        .. Text(name),
        .. Bytes(4, s => BinaryPrimitives.WriteInt32BigEndian(s, queries.Length)),
        .. queries.SelectMany(Text),
    ];

    /// <summary>Encodes a request with its payload.</summary>
    public static byte[] Request(
        ushort command, ulong cookie, ulong offset, uint length, ushort flags = 0, params byte[] payload) =>
    [
        .. Bytes(28, s =>
        {
            BinaryPrimitives.WriteUInt32BigEndian(s, 0x25609513);
            BinaryPrimitives.WriteUInt16BigEndian(s[4..], flags);
            BinaryPrimitives.WriteUInt16BigEndian(s[6..], command);
            BinaryPrimitives.WriteUInt64BigEndian(s[8..], cookie);
            BinaryPrimitives.WriteUInt64BigEndian(s[16..], offset);
            BinaryPrimitives.WriteUInt32BigEndian(s[24..], length);
        }),
        .. payload,
    ];

    private static byte[] Text(string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        return [.. Bytes(4, s => BinaryPrimitives.WriteInt32BigEndian(s, bytes.Length)), .. bytes];
    }

    private static byte[] Bytes(int count, Filler fill)
    {
        var bytes = new byte[count];
        fill(bytes);
        return bytes;
    }

    private delegate void Filler(Span<byte> target);
}

using System.Buffers.Binary;
using System.Security.Cryptography;

namespace ReplicationEngine.DataPlane.Transport.Handshaking;

// Before the frames each end sends one message in clear:
//
//   0  u32  magic "RPH1"    4 u8 version (2)    5 u8 kind (1 hello, 2 refusal)    6 u16 length of the body
//   hello:    32 bytes salt, text VM id (empty from the acceptor), 32 bytes HMAC-SHA256 under the hello key over the
//             acceptor's view: the initiator's whole hello up to its HMAC, and for the acceptor's hello also its own
//   refusal:  u8 reason, text message
//
// A hello proves that its sender holds the data key; nothing else is sent in clear except the VM's name. A refusal in
// clear is not authentic, so the source only closes the connection because of it: a stale term is reported only inside
// a sealed frame. The offers of the ends (roles, terms, positions, sizes) are in the Open frames.

/// <summary>The clear messages at the start of a session.</summary>
internal static class HelloMessage
{
    public const int PreludeSize = 8;
    public const int SaltSize = 32;
    public const int MacSize = 32;
    public const byte Hello = 1;
    public const byte Refusal = 2;
    public const byte Version = 2;
    public const int MaxBody = 1024;
    private const uint Magic = 0x31485052;
    private const int MaxText = 512;

    /// <summary>Encodes a hello; its HMAC also covers the earlier messages.</summary>
    public static byte[] EncodeHello(ReadOnlySpan<byte> helloKey, string vm, ReadOnlySpan<byte> salt,
        ReadOnlySpan<byte> before)
    {
        var body = new WireWriter().Bytes(salt).Text(vm, MaxText).ToArray();
        var message = Frame(Hello, [.. body, .. new byte[MacSize]]);
        Mac(helloKey, before, message.AsSpan(0, message.Length - MacSize), message.AsSpan(message.Length - MacSize));
        return message;
    }

    /// <summary>Decodes a whole hello.</summary>
    public static (string Vm, byte[] Salt) DecodeHello(ReadOnlySpan<byte> message)
    {
        var reader = new WireReader(message[PreludeSize..]);
        var salt = reader.Take(SaltSize).ToArray();
        var vm = reader.Text();
        reader.Take(MacSize);
        reader.End();
        return (vm, salt);
    }

    /// <summary>Returns whether the sender of a hello holds the key.</summary>
    public static bool Verify(ReadOnlySpan<byte> helloKey, ReadOnlySpan<byte> message, ReadOnlySpan<byte> before)
    {
        Span<byte> mac = stackalloc byte[MacSize];
        Mac(helloKey, before, message[..^MacSize], mac);
        return CryptographicOperations.FixedTimeEquals(mac, message[^MacSize..]);
    }

    public static byte[] EncodeRefusal(SessionRefusedException refusal) =>
        Frame(Refusal, new WireWriter().Byte((byte)refusal.Reason).Text(refusal.Message, MaxText).ToArray());

    public static SessionRefusedException DecodeRefusal(ReadOnlySpan<byte> message)
    {
        var reader = new WireReader(message[PreludeSize..]);
        var reason = (SessionRefusal)reader.Byte();
        return new SessionRefusedException(reason, reader.Text()) { ByPeer = true };
    }

    /// <summary>Checks a prelude; returns the kind and the length of the body.</summary>
    public static (byte Kind, int Length) ReadPrelude(ReadOnlySpan<byte> prelude)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(prelude) != Magic)
        {
            throw new FrameException(FrameError.BadHeader, "The peer does not use the replication protocol.");
        }

        var length = BinaryPrimitives.ReadUInt16LittleEndian(prelude[6..]);
        if (length > MaxBody)
        {
            throw new FrameException(FrameError.TooLarge,
                $"A hello claims {length} bytes; at most {MaxBody} are allowed.");
        }

        if (prelude[4] != Version)
        {
            throw new SessionRefusedException(SessionRefusal.UnsupportedVersion,
                $"The peer uses protocol version {prelude[4]}, this end version {Version}; update both to "
                    + $"the same release.");
        }

        return (prelude[5], length);
    }

    private static byte[] Frame(byte kind, ReadOnlySpan<byte> body)
    {
        var message = new byte[PreludeSize + body.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(message, Magic);
        message[4] = Version;
        message[5] = kind;
        BinaryPrimitives.WriteUInt16LittleEndian(message.AsSpan(6), checked((ushort)body.Length));
        body.CopyTo(message.AsSpan(PreludeSize));
        return message;
    }

    private static void Mac(ReadOnlySpan<byte> key, ReadOnlySpan<byte> before, ReadOnlySpan<byte> message,
        Span<byte> target)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
        hash.AppendData(before);
        hash.AppendData(message);
        hash.GetHashAndReset(target);
    }
}

using System.Security.Cryptography;

namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>The keys of one session, derived from the VM's data key and both ends' salts (HKDF-SHA256, RFC
/// 5869).</summary>
public static class SessionKeys
{
    /// <summary>The size in bytes of the data key, and of every key derived from it.</summary>
    public const int KeySize = 32;

    /// <summary>Derives the key that proves, in the hellos, that an end holds the data key.</summary>
    public static byte[] HelloKey(ReadOnlySpan<byte> dataKey) =>
        Derive(dataKey, [], "replication session v1 hello"u8, []);

    /// <summary>Derives the ciphers of both directions, bound to the two hellos.</summary>
    public static (FrameCipher FromInitiator, FrameCipher FromAcceptor) Ciphers(
        ReadOnlySpan<byte> dataKey, ReadOnlySpan<byte> initiatorHello, ReadOnlySpan<byte> acceptorHello,
            ReadOnlySpan<byte> salts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(initiatorHello);
        hash.AppendData(acceptorHello);
        var context = hash.GetHashAndReset();
        return (
            new FrameCipher(Derive(dataKey, salts, "replication session v1 initiator"u8, context), context),
            new FrameCipher(Derive(dataKey, salts, "replication session v1 acceptor"u8, context), context));
    }

    private static byte[] Derive(
        ReadOnlySpan<byte> dataKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> purpose, ReadOnlySpan<byte> context)
    {
        var key = new byte[KeySize];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, dataKey, key, salt, [.. purpose, .. context]);
        return key;
    }
}

using System.Security.Cryptography;
using System.Text;

namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>
/// How an agent proves that it holds the private key of the public one it shows: a signature (ECDSA P-256 over SHA-256)
/// over a text with the service's nonce and id and everything the agent says of itself, so that it fits no other
/// connection, service, name or purpose (F19).
/// </summary>
public static class ControlProof
{
    private const string Purpose = "replication engine: agent opens a control stream, version 2";

    /// <summary>Bits of an agent's key.</summary>
    public const int KeyBits = 256;

    /// <summary>Bytes of a challenge's nonce.</summary>
    public const int NonceBytes = 32;

    /// <summary>What is signed: each part as its length in decimal, a colon, and its UTF-8 text.</summary>
    public static byte[] Text(ControlMessage.Challenge challenge, string agent, AgentProcessInfo process)
    {
        ArgumentNullException.ThrowIfNull(challenge);
        ArgumentNullException.ThrowIfNull(agent);
        ArgumentNullException.ThrowIfNull(process);
        string[] parts =
        [
            Purpose, challenge.Vault, challenge.Nonce, agent, process.Incarnation, process.BootId, process.Host,
            process.Pid.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ];
        return Encoding.UTF8.GetBytes(string.Concat(parts.Select(p => $"{Encoding.UTF8.GetByteCount(p)}:{p}")));
    }

    /// <summary>Whether a hello's proof fits its key and the challenge.</summary>
    public static bool Holds(ControlMessage.Challenge challenge, ControlMessage.Hello hello)
    {
        ArgumentNullException.ThrowIfNull(hello);
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(hello.PublicKey), out _);
            return key.KeySize == KeyBits && key.VerifyData(
                Text(challenge, hello.Agent, hello.Process), Convert.FromBase64String(hello.Proof),
                HashAlgorithmName.SHA256);
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            // Whatever was sent is no key or no signature, so it proves nothing.
            return false;
        }
    }
}

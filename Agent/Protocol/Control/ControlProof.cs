using System.Security.Cryptography;
using System.Text;

namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>
/// An agent's proof that it holds the private key of its public key: a signature (ECDSA P-256 over SHA-256) over the
/// service's nonce and id and the agent's description of itself. The signature therefore fits no other connection,
/// service, name or purpose (F19).
/// </summary>
public static class ControlProof
{
    private const string Purpose = "replication engine: agent opens a control stream, version 2";

    /// <summary>The size of an agent's key in bits.</summary>
    public const int KeyBits = 256;

    /// <summary>The size of a challenge's nonce in bytes.</summary>
    public const int NonceBytes = 32;

    /// <summary>Returns the signed text: each part as its length in decimal, a colon, and its UTF-8 text.</summary>
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

    /// <summary>Returns whether a hello's proof fits its key and the challenge.</summary>
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
            // The bytes are not a valid key or signature, so they prove nothing.
            return false;
        }
    }
}

using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Agent.Control;

/// <summary>
/// The key pair that identifies an agent across restarts. The first start creates it in the file <c>identity</c> of the
/// agent's data directory (PKCS#8 in PEM, readable by its owner only). Safe for one task at a time.
/// </summary>
internal sealed class AgentIdentity : IDisposable
{
    /// <summary>The name of the key file in the agent's data directory.</summary>
    public const string FileName = "identity";

    private readonly ECDsa _key;

    private AgentIdentity(ECDsa key) =>
        (_key, PublicKey) = (key, Convert.ToBase64String(key.ExportSubjectPublicKeyInfo()));

    /// <summary>The public key: SubjectPublicKeyInfo in base64.</summary>
    public string PublicKey { get; }

    /// <summary>Loads the identity from a data directory, or creates one if the directory has none.</summary>
    /// <exception cref="IOException">The file cannot be read or written, or holds no key.</exception>
    public static AgentIdentity Of(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, FileName);
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            if (File.Exists(path))
            {
                key.ImportFromPem(File.ReadAllText(path));
            }
            else
            {
                PrivateFile.Write(path, Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
            }

            return key.KeySize == ControlProof.KeyBits ? new AgentIdentity(key) : throw new CryptographicException(
                $"it is a key of {key.KeySize} bits instead of {ControlProof.KeyBits}");
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new IOException(
                $"'{path}' does not contain this agent's key ({e.Message}); restore it from a backup, or move it away "
                    + "and release the agent's name with `drctl agents forget NAME`.",
                e);
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    /// <summary>Signs a text with the private key and returns the signature in base64.</summary>
    public string Sign(byte[] text) => Convert.ToBase64String(_key.SignData(text, HashAlgorithmName.SHA256));

    /// <inheritdoc/>
    public void Dispose() => _key.Dispose();
}

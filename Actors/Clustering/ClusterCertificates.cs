using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using ReplicationEngine.Actors.Hosting;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>
/// Creates the certificates of a cluster's nodes in a directory: <c>authority.pem</c>, <c>authority.key</c>, and
/// <c>NODE.pem</c> (certificate and private key) for each node. A node needs its own file and <c>authority.pem</c>; the
/// authority's key is needed only to create more, so keep it elsewhere.
/// </summary>
public static class ClusterCertificates
{
    private const string AuthorityName = "authority";
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>How long the authority's certificate is valid: 20 years.</summary>
    public static TimeSpan AuthorityLifetime { get; } = TimeSpan.FromDays(20 * 365);

    /// <summary>How long a node's certificate is valid: 5 years.</summary>
    public static TimeSpan NodeLifetime { get; } = TimeSpan.FromDays(5 * 365);

    /// <summary>
    /// Creates certificates for nodes, and the authority too if the directory has none. Existing files stay as they
    /// are.
    /// </summary>
    /// <param name="directory">The directory, which is created when it is missing.</param>
    /// <param name="nodes">The names of the nodes.</param>
    /// <param name="now">The time from which the certificates are valid.</param>
    /// <returns>The files that were created.</returns>
    /// <exception cref="EngineConfigurationException">A node has a certificate already, or a name is invalid, or the
    /// authority's key is missing.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    public static IReadOnlyList<string> Create(string directory, IReadOnlyList<string> nodes, DateTimeOffset now)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentNullException.ThrowIfNull(nodes);
        foreach (var node in nodes)
        {
            Check(directory, node);
        }

        Directory.CreateDirectory(directory, Private | UnixFileMode.UserExecute);
        var created = new List<string>();
        using var authority = Authority(directory, now, created);
        var authorityEnds = new DateTimeOffset(authority.NotAfter.ToUniversalTime());
        foreach (var node in nodes)
        {
            using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            using var certificate = Request($"CN={node}", key, isAuthority: false)
                .Create(authority, now, Earlier(now + NodeLifetime, authorityEnds), Serial());
            Write(PathOf(directory, node), $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
            created.Add(PathOf(directory, node));
        }

        return created;
    }

    internal static string PathOf(string directory, string node) => Path.Combine(directory, $"{node}.pem");

    internal static string AuthorityOf(string directory) => PathOf(directory, AuthorityName);

    private static string KeyOf(string directory) => Path.Combine(directory, $"{AuthorityName}.key");

    private static void Check(string directory, string node)
    {
        if (!ClusterNode.IsName(node) || node == AuthorityName)
        {
            throw new EngineConfigurationException(
                $"'{node}' is not a name of a node; use up to {ClusterNode.LongestName} letters, digits, '.', '-' and "
                + $"'_', but not '{AuthorityName}'.");
        }

        if (File.Exists(PathOf(directory, node)))
        {
            throw new EngineConfigurationException(
                $"Node '{node}' has a certificate already: '{PathOf(directory, node)}'. Remove the file to create a "
                + "new one.");
        }
    }

    private static X509Certificate2 Authority(string directory, DateTimeOffset now, List<string> created)
    {
        var (path, keyPath) = (AuthorityOf(directory), KeyOf(directory));
        if (File.Exists(path))
        {
            return File.Exists(keyPath) ? X509Certificate2.CreateFromPemFile(path, keyPath)
                : throw new EngineConfigurationException(
                    $"The directory '{directory}' has an authority, but not its key '{keyPath}'; copy the key there.");
        }

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authority = Request("CN=replication engine cluster", key, isAuthority: true)
            .CreateSelfSigned(now, now + AuthorityLifetime);
        Write(keyPath, $"{key.ExportPkcs8PrivateKeyPem()}\n");
        Write(path, $"{authority.ExportCertificatePem()}\n");
        created.AddRange([path, keyPath]);
        return authority;
    }

    private static CertificateRequest Request(string name, ECDsa key, bool isAuthority)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(isAuthority, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            isAuthority ? X509KeyUsageFlags.KeyCertSign : X509KeyUsageFlags.DigitalSignature, critical: true));
        if (!isAuthority)
        {
            var (server, client) = (new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2"));
            request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([server, client], critical: false));
        }

        return request;
    }

    private static DateTimeOffset Earlier(DateTimeOffset a, DateTimeOffset b) => a < b ? a : b;

    private static byte[] Serial()
    {
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7F;
        return serial;
    }

    private static void Write(string path, string text)
    {
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private,
        });
        file.Write(Encoding.ASCII.GetBytes(text));
    }
}

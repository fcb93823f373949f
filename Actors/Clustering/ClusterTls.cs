using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Akka.Actor.Setup;
using Akka.Remote.Transport.DotNetty;
using ReplicationEngine.Actors.Hosting;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>
/// What a node needs to encrypt its connections to the other nodes, and to admit only nodes of its own cluster: its
/// certificate with the private key, and the certificate of the authority that issued the certificates of all nodes.
/// </summary>
/// <param name="Certificate">The node's certificate, with its private key.</param>
/// <param name="Authority">The certificate of the cluster's authority.</param>
public sealed record ClusterTls(X509Certificate2 Certificate, X509Certificate2 Authority)
{
    /// <summary>Loads what <see cref="ClusterCertificates"/> has created for a node.</summary>
    /// <exception cref="EngineConfigurationException">A file is missing or cannot be read, or the certificate has
    /// expired.</exception>
    public static ClusterTls Load(string directory, string node, DateTimeOffset now)
    {
        ArgumentException.ThrowIfNullOrEmpty(directory);
        ArgumentException.ThrowIfNullOrEmpty(node);
        var (certificate, authority) = (
            ClusterCertificates.PathOf(directory, node), ClusterCertificates.AuthorityOf(directory));
        try
        {
            using var pem = X509Certificate2.CreateFromPemFile(certificate);
            // A key that exists in memory only cannot be used for a connection on every system.
            var tls = new ClusterTls(
                X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), password: null),
                X509CertificateLoader.LoadCertificateFromFile(authority));
            return tls.Why(tls.Certificate, now) is { } why
                ? throw new EngineConfigurationException(
                    $"The certificate '{certificate}' is not valid for node '{node}': {why}; create a new one.")
                : tls;
        }
        catch (Exception exception) when (exception is IOException or CryptographicException
            or UnauthorizedAccessException)
        {
            throw new EngineConfigurationException(
                $"The certificates of node '{node}' in '{directory}' cannot be read: {exception.Message.TrimEnd('.')}.",
                exception);
        }
    }

    /// <summary>The setup of the node's connections.</summary>
    internal Setup Setup(EngineServices services) => new DotNettySslSetup(
        Certificate, suppressValidation: false, requireMutualAuthentication: true, validateCertificateHostname: false,
        (certificate, _, peer, _, _) =>
        {
            var why = certificate is null ? "it has no certificate" : Why(certificate, services.Time.GetUtcNow());
            if (why is not null)
            {
                services.Logger.NodeRefused(peer, why);
            }

            return why is null;
        });

    /// <summary>Returns why a certificate is not one of a node of this cluster; null when it is.</summary>
    internal string? Why(X509Certificate2 certificate, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(Authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(certificate) ? null
            : string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation.TrimEnd('.', ' ')));
    }
}

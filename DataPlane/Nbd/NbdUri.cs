using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Builds NBD URIs (doc/uri.md of NetworkBlockDevice/nbd).</summary>
internal static class NbdUri
{
    /// <summary>
    /// Returns <c>nbd+unix:///NAME?socket=PATH</c> or <c>nbd://HOST:PORT/NAME</c>, escaped where needed.
    /// </summary>
    /// <exception cref="ArgumentException">The address is neither a unix socket nor an IP address.</exception>
    public static string Of(EndPoint endPoint, string export)
    {
        var name = Uri.EscapeDataString(export);
        return endPoint switch
        {
            UnixDomainSocketEndPoint unix => $"nbd+unix:///{name}?socket={EscapePath(unix.ToString())}",
            IPEndPoint { AddressFamily: AddressFamily.InterNetworkV6 } ip => $"nbd://[{ip.Address}]:{ip.Port}/{name}",
            IPEndPoint ip => $"nbd://{ip.Address}:{ip.Port}/{name}",
            _ => throw new ArgumentException($"There is no NBD URI for {endPoint}.", nameof(endPoint)),
        };
    }

    private static string EscapePath(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));
}

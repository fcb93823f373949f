using System.Net.Sockets;
using System.Text;
using ReplicationEngine.Agent.Access;

namespace ReplicationEngine.Agent.Control;

/// <summary>
/// Opens a two-way stream to the service through its one HTTP port: an HTTP/1.1 request with <c>Upgrade</c>
/// (RFC 9110 section 7.8), answered by 101; from then on the connection carries raw bytes. The request carries the
/// service's API token. Transport security wraps the connection before the request is sent.
/// </summary>
public static class UpgradeClient
{
    /// <summary>The upgrade token of the control stream.</summary>
    public const string ControlProtocol = "replication-control/1";

    /// <summary>The upgrade token of a data stream.</summary>
    public const string DataProtocol = "replication-data/1";

    private const int MaxHeaderBytes = 8192;

    /// <summary>Connects and upgrades.</summary>
    /// <param name="server">The service's URL.</param>
    /// <param name="pathAndQuery">What is asked for.</param>
    /// <param name="protocol">The upgrade token of the stream.</param>
    /// <param name="token">Finds the API token; one that the service refuses is replaced by the one it asks
    /// for.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <exception cref="IOException">The service cannot be reached or refuses; the message says which and
    /// why.</exception>
    public static async Task<Stream> ConnectAsync(
        Uri server, string pathAndQuery, string protocol, ServiceToken token, CancellationToken cancellationToken)
    {
        var sent = token.Find();
        var (stream, challenge) = await TryAsync(server, pathAndQuery, protocol, sent, cancellationToken);
        if (stream is null && token.FindOther(challenge, sent) is { } other)
        {
            (stream, _) = await TryAsync(server, pathAndQuery, protocol, other, cancellationToken);
        }

        return stream ?? throw new IOException(token.Refusal);
    }

    // No stream, and what the service asks for, when it refuses the token.
    private static async Task<(Stream? Stream, string? Challenge)> TryAsync(
        Uri server, string pathAndQuery, string protocol, ApiToken? token, CancellationToken cancellationToken)
    {
        if (server.Scheme != Uri.UriSchemeHttp)
        {
            throw new IOException($"'{server}' is not an http URL; give one such as http://127.0.0.1:7443.");
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server.Host, server.Port, cancellationToken);
            var stream = new NetworkStream(socket, ownsSocket: true);
            var authorization = token is null ? "" : $"Authorization: {token.Authorization}\r\n";
            var request = $"GET {pathAndQuery} HTTP/1.1\r\nHost: {server.Authority}\r\n{authorization}"
                + $"Connection: Upgrade\r\nUpgrade: {protocol}\r\n\r\n";
            await stream.WriteAsync(Encoding.ASCII.GetBytes(request), cancellationToken);
            var header = await ReadHeaderAsync(stream, cancellationToken);
            var status = header.Split('\n', 2)[0].Trim();
            if (status.StartsWith("HTTP/1.1 101", StringComparison.Ordinal))
            {
                return (stream, null);
            }

            await stream.DisposeAsync();
            return status.StartsWith("HTTP/1.1 401", StringComparison.Ordinal)
                ? (null, ChallengeIn(header))
                : throw new IOException($"the service at {server} refused the {protocol} stream: {status}");
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"the service at {server} cannot be reached: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string? ChallengeIn(string header)
    {
        const string name = "WWW-Authenticate:";
        return header.Split('\n').FirstOrDefault(line => line.StartsWith(name, StringComparison.OrdinalIgnoreCase))
            ?[name.Length..].Trim();
    }

    private static async Task<string> ReadHeaderAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxHeaderBytes];
        for (var length = 0; length < buffer.Length; length++)
        {
            // One byte at a time: what follows the header already belongs to the upgraded stream.
            await stream.ReadExactlyAsync(buffer.AsMemory(length, 1), cancellationToken);
            if (length >= 3 && buffer.AsSpan(0, length + 1).EndsWith("\r\n\r\n"u8))
            {
                return Encoding.ASCII.GetString(buffer, 0, length);
            }
        }

        throw new IOException($"the service answered with more than {MaxHeaderBytes} bytes of header");
    }
}

using System.Net.Sockets;
using System.Text;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Transport;

namespace ReplicationEngine.Agent.Control;

/// <summary>
/// Opens a two-way stream to the service through its one HTTP port: an HTTP/1.1 request with <c>Upgrade</c> (RFC 9110
/// section 7.8), to which the service replies with status 101. After that the connection carries raw bytes. The request
/// carries the service's API token. Transport security wraps the connection before the request is sent.
/// </summary>
internal static class UpgradeClient
{
    private const int MaxHeaderBytes = 8192;

    /// <summary>Connects and upgrades, within <see cref="ControlLimits.HandshakeWithin"/>.</summary>
    /// <param name="server">The service's URL.</param>
    /// <param name="asked">The request to send.</param>
    /// <param name="token">
    /// Finds the API token. A token that the service refuses is replaced by the one that the refusal names.
    /// </param>
    /// <param name="time">The clock of the deadline.</param>
    /// <param name="cancellationToken">Cancels the attempt.</param>
    /// <exception cref="IOException">
    /// The service cannot be reached, does not reply in time or refuses. The message states which, and the cause.
    /// </exception>
    public static async Task<Stream> ConnectAsync(
        Uri server, UpgradeRequest asked, ServiceToken token, TimeProvider time, CancellationToken cancellationToken)
    {
        var sent = token.Find();
        var (stream, challenge) = await TryAsync(server, asked, sent, time, cancellationToken);
        if (stream is null && token.FindOther(challenge, sent) is { } other)
        {
            (stream, _) = await TryAsync(server, asked, other, time, cancellationToken);
        }

        return stream ?? throw new IOException(token.Refusal);
    }

    // Returns no stream, and the service's token challenge, when the service refuses the token.
    private static async Task<(Stream? Stream, string? Challenge)> TryAsync(
        Uri server, UpgradeRequest asked, ApiToken? token, TimeProvider time, CancellationToken cancellationToken)
    {
        if (server.Scheme != Uri.UriSchemeHttp)
        {
            throw new IOException($"'{server}' is not an http URL; give one such as http://127.0.0.1:7443.");
        }

        using var deadline = new CancellationTokenSource(ControlLimits.HandshakeWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(server.Host, server.Port, either.Token);
            LiveSockets.Apply(socket);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await stream.WriteAsync(Encoding.ASCII.GetBytes(asked.Text(server, token)), either.Token);
            var header = await ReadHeaderAsync(stream, either.Token);
            if (header.StartsWith("HTTP/1.1 101", StringComparison.Ordinal))
            {
                return (stream, null);
            }

            await stream.DisposeAsync();
            return header.StartsWith("HTTP/1.1 401", StringComparison.Ordinal)
                ? (null, ValueOf(header, "WWW-Authenticate"))
                : throw new IOException(
                    $"the service at {server} refused the {asked.Protocol} stream: {Reason(header)}");
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"the service at {server} cannot be reached: {e.Message}", e);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            socket.Dispose();
            throw new IOException(
                $"the service at {server} did not respond within {ControlLimits.HandshakeWithin.TotalSeconds:0} s", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static string Reason(string header) =>
        ValueOf(header, StreamUpgrade.ReasonHeader) ?? header.Split('\n', 2)[0].Trim();

    private static string? ValueOf(string header, string name) => header.Split('\n')
        .FirstOrDefault(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
        ?[(name.Length + 1)..].Trim();

    private static async Task<string> ReadHeaderAsync(Stream stream, CancellationToken cancellationToken)
    {
        var buffer = new byte[MaxHeaderBytes];
        for (var length = 0; length < buffer.Length; length++)
        {
            // Reads one byte at a time, because the bytes after the header belong to the upgraded stream.
            await stream.ReadExactlyAsync(buffer.AsMemory(length, 1), cancellationToken);
            if (length >= 3 && buffer.AsSpan(0, length + 1).EndsWith("\r\n\r\n"u8))
            {
                return Encoding.ASCII.GetString(buffer, 0, length);
            }
        }

        throw new IOException($"the service sent a response header of more than {MaxHeaderBytes} bytes");
    }
}

/// <summary>A request to upgrade a connection to a stream of the service.</summary>
/// <param name="PathAndQuery">The request target: path and query.</param>
/// <param name="Protocol">The upgrade token of the stream.</param>
/// <param name="Session">The control session's secret; null for the control stream itself.</param>
internal sealed record UpgradeRequest(string PathAndQuery, string Protocol, string? Session)
{
    /// <summary>Returns the text of the request.</summary>
    internal string Text(Uri server, ApiToken? token) => $"GET {PathAndQuery} HTTP/1.1\r\nHost: {server.Authority}\r\n"
        + (token is null ? "" : $"Authorization: {token.Authorization}\r\n")
        + (Session is null ? "" : $"{StreamUpgrade.SessionHeader}: {Session}\r\n")
        + $"Connection: Upgrade\r\nUpgrade: {Protocol}\r\n\r\n";
}

namespace ReplicationEngine.Vault.Cli;

/// <summary>The address of an export, parsed from its NBD URI (doc/uri.md of NetworkBlockDevice/nbd).</summary>
/// <param name="Export">The export's name.</param>
/// <param name="Socket">The unix socket; null for TCP.</param>
/// <param name="Host">The host of a TCP server; null for a unix socket.</param>
/// <param name="Port">The port of a TCP server; 0 for a unix socket.</param>
internal sealed record NbdAddress(string Export, string? Socket, string? Host, int Port)
{
    private const string UnixScheme = "nbd+unix:///";
    private const string TcpScheme = "nbd://";
    private const string SocketField = "socket=";
    private const int DefaultPort = 10809;

    /// <summary>Parses a URI in the form that services and agents write.</summary>
    /// <exception cref="CommandFailedException">The text is no NBD URI, or has characters that no configuration file
    /// can hold.</exception>
    public static NbdAddress Of(string uri)
    {
        var address = uri.StartsWith(UnixScheme, StringComparison.Ordinal) ? OfUnix(uri[UnixScheme.Length..])
            : uri.StartsWith(TcpScheme, StringComparison.Ordinal) ? OfTcp(uri[TcpScheme.Length..])
            : null;
        return address is not null && !$"{address.Export}{address.Socket}{address.Host}".Any(char.IsControl)
            ? address
            : throw CommandFailedException.Refused(
                $"'{uri}' is not an NBD URI that fits into a configuration; use the URI itself.");
    }

    private static NbdAddress? OfUnix(string rest)
    {
        var query = rest.IndexOf('?', StringComparison.Ordinal);
        var socket = query < 0 ? null : rest[(query + 1)..].Split('&')
            .FirstOrDefault(field => field.StartsWith(SocketField, StringComparison.Ordinal));
        return socket is null ? null : new NbdAddress(
            Uri.UnescapeDataString(rest[..query]), Uri.UnescapeDataString(socket[SocketField.Length..]), null, 0);
    }

    private static NbdAddress? OfTcp(string rest) =>
        Uri.TryCreate("http://" + rest, UriKind.Absolute, out var parsed)
            ? new NbdAddress(
                Uri.UnescapeDataString(rest[(rest.IndexOf('/', StringComparison.Ordinal) + 1)..]), null,
                parsed.Host.Trim('[', ']'), parsed.IsDefaultPort ? DefaultPort : parsed.Port)
            : null;
}

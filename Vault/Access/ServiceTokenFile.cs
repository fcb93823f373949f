using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Access;

/// <summary>The service's own copy of its API token, and the copies for the user's clients.</summary>
internal static partial class ServiceTokenFile
{
    /// <summary>Returns the token in a data directory; creates it at the first start.</summary>
    /// <exception cref="ApiTokenException">The file exists but cannot be read or holds no token.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public static ApiToken Obtain(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, ApiToken.FileName);
        if (File.Exists(path))
        {
            try
            {
                return ApiToken.Read(path);
            }
            catch (ApiTokenException e)
            {
                throw new ApiTokenException(
                    $"'{path}' does not contain this service's API token ({e.Message}); restore it, or delete it and "
                    + "the service creates a new one.", e);
            }
        }

        var token = ApiToken.Make();
        token.Write(path);
        return token;
    }

    /// <summary>
    /// Writes the token to the user's configuration directory under each address of the service. If that fails, logs
    /// how clients get the token.
    /// </summary>
    public static void Leave(ApiToken token, ServeOptions options, ILogger logger)
    {
        var own = Path.Combine(options.Data, ApiToken.FileName);
        if (options.Tokens is not { } directory)
        {
            NotLeft(logger, own, "neither HOME nor XDG_CONFIG_HOME names a configuration directory");
            return;
        }

        try
        {
            Leave(token, directory, RequestGate.NamesOf(options), options.Listen.Port);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            NotLeft(logger, own, $"it cannot be written to {directory.Path}: {e.Message}");
        }
    }

    /// <summary>
    /// Writes the token under each of the service's host names, in directories that only this user can enter.
    /// </summary>
    /// <exception cref="IOException">The token cannot be written; the message gives the reason.</exception>
    /// <exception cref="UnauthorizedAccessException">A directory or file may not be written.</exception>
    public static void Leave(ApiToken token, TokenDirectory tokens, IEnumerable<string> hosts, int port)
    {
        var above = Path.GetDirectoryName(tokens.Path)!;
        Directory.CreateDirectory(tokens.Configuration, PrivateDirectory.DirectoryMode);
        foreach (var directory in new[] { tokens.Configuration, above, tokens.Path })
        {
            Directory.CreateDirectory(directory, PrivateDirectory.DirectoryMode);
            if (FileOwnership.Of(directory).Owner != FileOwnership.CurrentUser)
            {
                throw new IOException($"'{directory}' belongs to another user");
            }
        }

        File.SetUnixFileMode(tokens.Path, PrivateDirectory.DirectoryMode);
        foreach (var host in hosts)
        {
            token.Write(tokens.FileFor(host, port));
        }
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "the API token is only in {Own}: give clients and agents that file with --token-file; {Why}")]
    private static partial void NotLeft(ILogger logger, string own, string why);
}

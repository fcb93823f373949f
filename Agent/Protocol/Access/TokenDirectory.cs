namespace ReplicationEngine.Agent.Protocol.Access;

/// <summary>
/// A user's API tokens by the service's address: <c>drctl/tokens/HOST_PORT</c> in the user's configuration directory. A
/// service that the user runs stores its token there for the user's clients and agents. Tokens are written only to a
/// directory that belongs to the current user, because a root service with another user's environment must not follow
/// that user's links.
/// </summary>
public sealed class TokenDirectory
{
    /// <summary>Creates the directory's path below a configuration directory; nothing needs to exist.</summary>
    /// <param name="configuration">The user's configuration directory, absolute.</param>
    public TokenDirectory(string configuration)
    {
        Configuration = configuration;
        Path = System.IO.Path.Combine(configuration, "drctl", "tokens");
    }

    /// <summary>The user's configuration directory, absolute.</summary>
    public string Configuration { get; }

    /// <summary>The full path of the token directory.</summary>
    public string Path { get; }

    /// <summary>
    /// Returns the token directory of the environment's user: below <c>XDG_CONFIG_HOME</c>, otherwise
    /// <c>HOME/.config</c>.
    /// </summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <returns>Null if neither variable is an absolute path.</returns>
    public static TokenDirectory? OfUser(Func<string, string?> variable) =>
        variable("XDG_CONFIG_HOME") is { } configured && System.IO.Path.IsPathRooted(configured)
            ? new TokenDirectory(configured)
            : variable("HOME") is { } home && System.IO.Path.IsPathRooted(home)
                ? new TokenDirectory(System.IO.Path.Combine(home, ".config"))
                : null;

    /// <summary>
    /// Returns the path of the token file for a service's address. The host name cannot lead out of the directory.
    /// </summary>
    public string FileFor(string host, int port) =>
        System.IO.Path.Combine(Path, $"{host.Trim('[', ']').ToLowerInvariant().Replace('/', '_')}_{port}");

    /// <summary>Returns the token for a service's address.</summary>
    /// <returns>Null if there is no token for the address.</returns>
    /// <exception cref="ApiTokenException">The file cannot be read.</exception>
    public ApiToken? Find(string host, int port)
    {
        var path = FileFor(host, port);
        return File.Exists(path) ? ApiToken.Read(path) : null;
    }

    /// <summary>Returns the token with this name, regardless of the address it is stored for.</summary>
    /// <returns>Null if there is no token with this name.</returns>
    public ApiToken? Find(string id)
    {
        if (!Directory.Exists(Path))
        {
            return null;
        }

        foreach (var path in Directory.EnumerateFiles(Path))
        {
            if (ReadOrNull(path) is { } token && token.Id == id)
            {
                return token;
            }
        }

        return null;
    }

    // A file that is being replaced or belongs to another user cannot hold the token searched for.
    private static ApiToken? ReadOrNull(string path)
    {
        try
        {
            return ApiToken.Read(path);
        }
        catch (ApiTokenException)
        {
            return null;
        }
    }
}

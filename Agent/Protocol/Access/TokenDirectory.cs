namespace ReplicationEngine.Agent.Protocol.Access;

/// <summary>
/// A user's API tokens by the service's address: <c>drctl/tokens/HOST_PORT</c> in the user's configuration directory.
/// A service that the user runs leaves its token there, and the user's clients and agents find it. Only a directory
/// that belongs to this user is written to: a service of root's that runs with the environment of somebody else must
/// not follow links of theirs.
/// </summary>
public sealed class TokenDirectory
{
    /// <summary>The directory in a configuration directory; nothing needs to exist.</summary>
    /// <param name="configuration">The user's configuration directory, absolute.</param>
    public TokenDirectory(string configuration)
    {
        Configuration = configuration;
        Path = System.IO.Path.Combine(configuration, "drctl", "tokens");
    }

    /// <summary>The user's configuration directory, absolute.</summary>
    public string Configuration { get; }

    /// <summary>The full path.</summary>
    public string Path { get; }

    /// <summary>
    /// The directory of the user whose environment this is: below <c>XDG_CONFIG_HOME</c>, else <c>HOME/.config</c>.
    /// </summary>
    /// <param name="variable">Reads an environment variable.</param>
    /// <returns>Null when the environment names neither by an absolute path.</returns>
    public static TokenDirectory? OfUser(Func<string, string?> variable) =>
        variable("XDG_CONFIG_HOME") is { } configured && System.IO.Path.IsPathRooted(configured)
            ? new TokenDirectory(configured)
            : variable("HOME") is { } home && System.IO.Path.IsPathRooted(home)
                ? new TokenDirectory(System.IO.Path.Combine(home, ".config"))
                : null;

    /// <summary>The file for a service's address; the name has no way to leave the directory.</summary>
    public string FileFor(string host, int port) =>
        System.IO.Path.Combine(Path, $"{host.Trim('[', ']').ToLowerInvariant().Replace('/', '_')}_{port}");

    /// <summary>The token for a service's address.</summary>
    /// <returns>Null when there is none.</returns>
    /// <exception cref="ApiTokenException">The file cannot be read.</exception>
    public ApiToken? Find(string host, int port)
    {
        var path = FileFor(host, port);
        return File.Exists(path) ? ApiToken.Read(path) : null;
    }

    /// <summary>The token of this name, whatever address it is kept for.</summary>
    /// <returns>Null when there is none.</returns>
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

    // A file that is being replaced, or is none of ours, is not the one that is looked for.
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

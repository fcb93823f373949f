namespace ReplicationEngine.Agent.Protocol.Access;

/// <summary>
/// Locates the API token of a service for a client or an agent: in the file that was named, otherwise in the user's
/// <see cref="TokenDirectory"/>. Files are read again at each call, because a service may have been recreated. Safe for
/// several threads.
/// </summary>
/// <param name="server">The service's URL.</param>
/// <param name="file">The path of the token file; null if none was given.</param>
/// <param name="directory">The user's tokens; null when the environment names no configuration directory.</param>
public sealed class ServiceToken(Uri server, string? file, TokenDirectory? directory)
{
    /// <summary>The environment variable that names a file with the token.</summary>
    public const string FileVariable = "DRCTL_TOKEN_FILE";

    /// <summary>The path of the token file; null if none was given.</summary>
    public string? File { get; } = file;

    /// <summary>Returns the token for the service's address.</summary>
    /// <returns>Null if no token file exists for the address.</returns>
    /// <exception cref="ApiTokenException">The file cannot be read or holds no token.</exception>
    public ApiToken? Find() => File is not null ? ApiToken.Read(File) : directory?.Find(server.Host, server.Port);

    /// <summary>
    /// Returns the token that a refusal asks for by name. Only a service of this machine can obtain a token in this
    /// way: its address may be another one, such as a forwarded port. A token is never sent to another machine because
    /// that machine asks for it.
    /// </summary>
    /// <param name="challenge">The header <c>WWW-Authenticate</c> of the refusal.</param>
    /// <param name="refused">The token that was refused; null when none was sent.</param>
    /// <returns>Null if there is no other token to try.</returns>
    public ApiToken? FindOther(string? challenge, ApiToken? refused) =>
        File is null && server.IsLoopback && TokenChallenge.IdOf(challenge) is { } id && id != refused?.Id
            ? directory?.Find(id)
            : null;

    /// <summary>A sentence for a refusal: where the token was searched for, and the remedy.</summary>
    public string Refusal => File is not null
        ? $"The service at {Address} refuses the API token in '{File}'; the valid one is in the file "
            + $"{ApiToken.FileName} in the service's data directory."
        : $"The service at {Address} requires its API token, and {Looked}; run this as the user that runs the service, "
            + $"or give a copy of the file {ApiToken.FileName} in the service's data directory with --token-file FILE "
            + $"or {FileVariable}.";

    private string Address => server.GetLeftPart(UriPartial.Authority);

    private string Looked => directory is null
        ? "neither HOME nor XDG_CONFIG_HOME says where to look for it"
        : $"'{directory.FileFor(server.Host, server.Port)}' does not contain it"
            + (server.IsLoopback ? ", nor does another file in that directory" : "");
}

/// <summary>The header <c>WWW-Authenticate</c> with which a service asks for its token (RFC 6750).</summary>
public static class TokenChallenge
{
    private const string Start = "Bearer realm=\"drctl\", token-id=\"";

    /// <summary>Returns the header's value for a token.</summary>
    public static string For(ApiToken token) => $"{Start}{token.Id}\"";

    /// <summary>
    /// Returns the ID of the token that the service asks for; null if the header is not a challenge of this service.
    /// </summary>
    public static string? IdOf(string? challenge) =>
        challenge is not null && challenge.StartsWith(Start, StringComparison.Ordinal) && challenge.EndsWith('"')
            ? challenge[Start.Length..^1]
            : null;
}

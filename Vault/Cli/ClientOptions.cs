using System.CommandLine;
using ReplicationEngine.Agent.Protocol.Access;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The options that all client commands share.</summary>
internal sealed class ClientOptions
{
    /// <summary>The server's URL when none is given.</summary>
    public const string DefaultServer = "http://127.0.0.1:7443";

    /// <summary>The environment variable that names the server.</summary>
    public const string ServerVariable = "DRCTL_SERVER";

    /// <summary>The option <c>--server URL</c>.</summary>
    public Option<string?> Server { get; } = new("--server")
    {
        HelpName = "URL",
        Description = $"The service's URL (default: {ServerVariable}, or else {DefaultServer})",
    };

    /// <summary>The option <c>--token-file FILE</c>.</summary>
    public Option<string?> TokenFile { get; } = new("--token-file")
    {
        HelpName = "FILE",
        Description = $"The file with the service's API token (default: {ServiceToken.FileVariable}, or else the file "
            + "that a service of the same user has written to the user's configuration directory)",
    };

    /// <summary>The option <c>--json</c>.</summary>
    public Option<bool> Json { get; } = new("--json") { Description = "Print the result as JSON" };

    /// <summary>The option <c>--no-wait</c>.</summary>
    public Option<bool> NoWait { get; } = new("--no-wait")
    {
        Description = "Return when the request is accepted, without waiting for the result",
    };

    /// <summary>The argument <c>NAME</c>, a VM's name.</summary>
    public Argument<string> Vm { get; } = new("NAME") { Description = "The VM's name" };

    /// <summary>Returns the source of the API token for a command line.</summary>
    public ServiceToken TokenOf(ParseResult parsed, CliSurroundings surroundings)
    {
        var file = parsed.GetValue(TokenFile) is { } given ? given
            : surroundings.Variable(ServiceToken.FileVariable) is { Length: > 0 } named ? named : null;
        return new ServiceToken(
            ServerOf(parsed, surroundings),
            file is null ? null : surroundings.Full(file), TokenDirectory.OfUser(surroundings.Variable));
    }

    /// <summary>Returns the URL of the server that a command line uses.</summary>
    public Uri ServerOf(ParseResult parsed, CliSurroundings surroundings)
    {
        if (parsed.GetValue(Server) is { } given)
        {
            return InputText.Url(given, "--server");
        }

        return surroundings.Variable(ServerVariable) is { Length: > 0 } named
            ? InputText.Url(named, ServerVariable)
            : new Uri(DefaultServer);
    }
}

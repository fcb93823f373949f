using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Vault.Replicas;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The options of <c>drctl agent</c>.</summary>
/// <param name="Server">The service's URL. The agent connects to it and accepts no connections from it.</param>
/// <param name="Data">The directory of the agent's logs and cache, absolute.</param>
/// <param name="Name">The agent's name in the vault; null means the machine's host name.</param>
/// <param name="Token">Finds the service's API token.</param>
/// <param name="Allowed">The disks that may be served: absolute paths of disks or of directories that hold
/// them.</param>
/// <param name="CacheLimitBytes">The limit of the cache in bytes; null means the agent's default.</param>
/// <param name="Hooks">A directory with the executables <c>freeze</c> and <c>thaw</c>; null when there are none
/// (RCP-2).</param>
/// <param name="NbdSocket">The unix socket to serve the disks on; null means one in <paramref name="Data"/>.</param>
/// <param name="StartAlone">Whether to serve the source's disks even when the service is unreachable, so that the agent
/// cannot ask whether they are fenced.</param>
internal sealed record AgentOptions(
    Uri Server, string Data, string? Name, ServiceToken Token, IReadOnlyList<string> Allowed, long? CacheLimitBytes,
    string? Hooks, string? NbdSocket, bool StartAlone)
{
    /// <summary>The group that may connect to the socket; null means none.</summary>
    public string? NbdSocketGroup { get; init; }

    /// <summary>The socket's mode; null means 0660 with a group and 0600 without.</summary>
    public UnixFileMode? NbdSocketMode { get; init; }
}

/// <summary>Runs the service until the token is cancelled.</summary>
/// <exception cref="VaultRefusedException">The service cannot start; the message gives the reason.</exception>
internal delegate Task ServeHandler(ServeOptions options, CancellationToken cancellationToken);

/// <summary>Runs the agent until the token is cancelled.</summary>
internal delegate Task AgentHandler(AgentOptions options, CancellationToken cancellationToken);

using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.DataPlane.Nbd;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>The settings of an agent.</summary>
/// <param name="Server">The service's URL. The agent always opens the connections itself (NET-1).</param>
/// <param name="DataDirectory">
/// The directory of the volumes, logs and the activity log. One agent per directory.
/// </param>
/// <param name="Name">The agent's name in the vault.</param>
/// <param name="Token">Finds the API token that the service requires.</param>
/// <param name="Allowed">The disks that may be served: absolute paths of disks or of directories that hold
/// them.</param>
/// <param name="CacheLimitBytes">The maximum size in bytes of one VM's replication log.</param>
/// <param name="HooksDirectory">Holds the executables <c>freeze</c> and <c>thaw</c> (RCP-2); null for none.</param>
/// <param name="NbdSocket">
/// The path of the unix socket that serves the disks; null means <c>nbd.sock</c> in the data directory.
/// </param>
/// <param name="StartAlone">
/// Whether disks are served for writing before the service has confirmed that no failover happened.
/// </param>
public sealed record AgentSettings(
    Uri Server, string DataDirectory, string Name, ServiceToken Token, IReadOnlyList<string> Allowed,
    long CacheLimitBytes, string? HooksDirectory, string? NbdSocket, bool StartAlone)
{
    /// <summary>The users that may connect to the socket; null means the agent's user only.</summary>
    public UnixSocketAccess? NbdAccess { get; init; }

    /// <summary>The default of <see cref="CacheLimitBytes"/>.</summary>
    public const long DefaultCacheLimitBytes = 8L << 30;
}

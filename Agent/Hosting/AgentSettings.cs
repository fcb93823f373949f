using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.DataPlane.Nbd;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>How an agent runs.</summary>
/// <param name="Server">The service's URL; the agent only ever calls out (NET-1).</param>
/// <param name="DataDirectory">Where volumes, logs and the activity log live; one agent per directory.</param>
/// <param name="Name">The agent's name in the vault.</param>
/// <param name="Token">Finds the API token that the service asks for.</param>
/// <param name="Allowed">The disks that may be served: absolute paths of disks or of directories that hold
/// them.</param>
/// <param name="CacheLimitBytes">The most that one VM's replication log may take.</param>
/// <param name="HooksDirectory">Holds the executables <c>freeze</c> and <c>thaw</c> (RCP-2); null for none.</param>
/// <param name="NbdSocket">The unix socket that serves the disks; null means <c>nbd.sock</c> in the data
/// directory.</param>
/// <param name="StartAlone">Serve disks for writing before the service has confirmed that no failover happened.</param>
public sealed record AgentSettings(
    Uri Server, string DataDirectory, string Name, ServiceToken Token, IReadOnlyList<string> Allowed,
    long CacheLimitBytes, string? HooksDirectory, string? NbdSocket, bool StartAlone)
{
    /// <summary>Who may connect to the socket; null means the agent's user only.</summary>
    public UnixSocketAccess? NbdAccess { get; init; }

    /// <summary>The default of <see cref="CacheLimitBytes"/>.</summary>
    public const long DefaultCacheLimitBytes = 8L << 30;
}

using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Hooks;
using ReplicationEngine.Agent.Hosting;
using ReplicationEngine.Agent.Serving;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>What every volume of an agent shares.</summary>
/// <param name="Settings">The agent's settings.</param>
/// <param name="Directory">Holds one subdirectory per VM.</param>
/// <param name="Server">Serves the disks.</param>
/// <param name="Hooks">Freezes and thaws applications.</param>
/// <param name="BootId">Tells this boot of the machine from every other: the page cache survives a process, not a
/// boot.</param>
/// <param name="Time">The clock.</param>
/// <param name="Logger">For everything a volume has to say.</param>
internal sealed record VolumeSurroundings(
    AgentSettings Settings, IStorageDirectory Directory, DiskServer Server, ApplicationHooks Hooks, string BootId,
    TimeProvider Time, ILogger Logger)
{
    /// <summary>Happens when the service has answered again.</summary>
    public Signal Service { get; } = new();
}

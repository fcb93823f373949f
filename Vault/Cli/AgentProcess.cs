using ReplicationEngine.Agent.Hosting;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Cli;

/// <summary><c>drctl agent</c>: runs the agent of this machine until it is stopped.</summary>
internal static class AgentProcess
{
    /// <summary>Runs the agent until the token is cancelled.</summary>
    public static async Task RunAsync(AgentOptions options, CancellationToken cancellationToken)
    {
        var settings = new AgentSettings(
            options.Server, options.Data, options.Name ?? Environment.MachineName, options.Token, options.Allowed,
            options.CacheLimitBytes ?? AgentSettings.DefaultCacheLimitBytes, options.Hooks, options.NbdSocket,
            options.StartAlone)
        {
            NbdAccess = Access(options),
        };
        using var loggers = ProcessLogging.Create();
        await AgentHost.RunAsync(settings, loggers, TimeProvider.System, cancellationToken);
    }

    private static UnixSocketAccess? Access(AgentOptions options)
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        const UnixFileMode group = owner | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        return options is { NbdSocketGroup: null, NbdSocketMode: null } ? null : new UnixSocketAccess(
            options.NbdSocketGroup, options.NbdSocketMode ?? (options.NbdSocketGroup is null ? owner : group));
    }
}

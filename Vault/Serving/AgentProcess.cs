using ReplicationEngine.Agent.Hosting;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Vault.Cli;

namespace ReplicationEngine.Vault.Serving;

/// <summary><c>drctl agent</c>: runs the agent of this machine until it is told to stop.</summary>
internal static class AgentProcess
{
    /// <summary>Runs it; answers an exit code.</summary>
    public static async Task<int> RunAsync(AgentOptions options, CancellationToken cancellationToken)
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
        return ExitCodes.Done;
    }

    private static UnixSocketAccess? Access(AgentOptions options)
    {
        const UnixFileMode owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        const UnixFileMode group = owner | UnixFileMode.GroupRead | UnixFileMode.GroupWrite;
        return options is { NbdSocketGroup: null, NbdSocketMode: null } ? null : new UnixSocketAccess(
            options.NbdSocketGroup, options.NbdSocketMode ?? (options.NbdSocketGroup is null ? owner : group));
    }
}

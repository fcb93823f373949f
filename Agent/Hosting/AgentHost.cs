using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Agent.Hooks;
using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.DataPlane.Transport;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>Hosts an agent's process, from locking the data directory to closing the last volume.</summary>
public static partial class AgentHost
{
    private static readonly TimeSpan MaintainEvery = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Runs the agent until it is cancelled. No message or failure of the service ends the agent, because the guest's
    /// disks depend on this process (B6).
    /// </summary>
    /// <exception cref="DataDirectoryBusyException">Another process uses the data directory.</exception>
    /// <exception cref="IOException">
    /// The agent's key cannot be read or created, or its socket cannot be opened.
    /// </exception>
    public static async Task RunAsync(
        AgentSettings settings, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        using var held = DataDirectoryLock.Take(settings.DataDirectory, "agent");
        if (held.ClosedToOthers > 0)
        {
            Closed(loggers.CreateLogger<DataDirectoryLock>(), held.ClosedToOthers, held.Directory);
        }

        var log = loggers.CreateLogger("agent");
        if (settings.Allowed.Count == 0)
        {
            NothingAllowed(log);
        }

        using var identity = AgentIdentity.Of(settings.DataDirectory);
        await using var server = new DiskServer(
            settings.DataDirectory, settings.NbdSocket, time, settings.NbdAccess, acceptAtOnce: false);
        var surroundings = new VolumeSurroundings(
            settings, server, new ApplicationHooks(settings.HooksDirectory, time), time, log);
        await using var volumes = new VolumeSet(surroundings, time);
        try
        {
            await volumes.LoadAsync(settings.StartAlone, cancellationToken);
            server.StartAccepting();
            var self = AgentSelf.OfThisProcess(identity, surroundings.BootId);
            await ServeAsync(
                new ControlLoop(settings, self, volumes, time, loggers.CreateLogger<ControlLoop>()), volumes,
                surroundings, cancellationToken);
        }
        finally
        {
            // Stop accepting before the volumes withdraw their exports, so that no new client is refused for a missing
            // export.
            await server.StopAcceptingAsync();
        }
    }

    private static async Task ServeAsync(
        ControlLoop loop, VolumeSet volumes, VolumeSurroundings surroundings, CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var maintaining = MaintainAsync(volumes, surroundings, ending.Token);
        try
        {
            await CallAsync(loop, surroundings, cancellationToken);
        }
        finally
        {
            await ending.CancelAsync();
            await maintaining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task CallAsync(ControlLoop loop, VolumeSurroundings surroundings, CancellationToken ct)
    {
        var pauses = new ReconnectPolicy(surroundings.Time, new Random());
        var said = new RepeatedReason(surroundings.Time);
        while (!ct.IsCancellationRequested)
        {
            var reason = "the service ended the connection";
            try
            {
                await loop.RunOnceAsync(
                    session =>
                    {
                        pauses.Connected();
                        said.Forget();
                        surroundings.Service.Welcomed(session);
                    },
                    ct);
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                reason = e is AgentRefusedException
                    ? $"the service refuses this agent for now; the agent keeps serving and retries: {e.Message}"
                    : e.Message;
            }
            finally
            {
                surroundings.Service.Lost();
            }

            // An agent that is shutting down has closed the connection itself, whatever exception that caused here.
            ct.ThrowIfCancellationRequested();
            if (said.IsWorthSaying(reason))
            {
                Disconnected(surroundings.Logger, reason);
            }

            await pauses.WaitAsync(ct);
        }
    }

    private static async Task MaintainAsync(
        VolumeSet volumes, VolumeSurroundings surroundings, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(MaintainEvery, surroundings.Time);
        var said = new RepeatedReason(surroundings.Time);
        while (await timer.WaitForNextTickAsync(ct))
        {
            try
            {
                volumes.Maintain();
                await volumes.TakeUpGrowthAsync(ct);
                said.Forget();
            }
            catch (IOException e)
            {
                if (said.IsWorthSaying(e.Message))
                {
                    NotMaintained(surroundings.Logger, e.Message);
                }
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "background work failed and is retried: {Reason}")]
    private static partial void NotMaintained(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Count} files and directories of {Directory} were open to other users and are closed now")]
    private static partial void Closed(ILogger logger, int count, string directory);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "no disk may be served, so no machine of this agent can be protected: start the agent with --allow "
            + "and the paths of the disks or of their directories")]
    private static partial void NothingAllowed(ILogger logger);

    [LoggerMessage(Level = LogLevel.Warning, Message = "not connected: {Reason}")]
    private static partial void Disconnected(ILogger logger, string reason);
}

using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Hooks;
using ReplicationEngine.Agent.Serving;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.DataPlane.Transport;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>An agent from its data directory's lock to its last closed volume.</summary>
public static partial class AgentHost
{
    private static readonly TimeSpan MaintainEvery = TimeSpan.FromSeconds(1);

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="DataDirectoryBusyException">Another process uses the data directory.</exception>
    /// <exception cref="AgentRefusedException">The service does not take this agent.</exception>
    public static async Task RunAsync(
        AgentSettings settings, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        using var held = DataDirectoryLock.Take(settings.DataDirectory, "agent");
        held.Report(loggers.CreateLogger<DataDirectoryLock>());
        await using var server = new DiskServer(settings.DataDirectory, settings.NbdSocket, time);
        var surroundings = new VolumeSurroundings(
            settings, server, new ApplicationHooks(settings.HooksDirectory, time), time, loggers.CreateLogger("agent"));
        await using var volumes = new VolumeSet(surroundings, time);
        await volumes.LoadAsync(settings.StartAlone, cancellationToken);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var maintaining = MaintainAsync(volumes, surroundings.Logger, time, ending.Token);
        try
        {
            await CallAsync(surroundings, volumes, loggers, time, cancellationToken);
        }
        finally
        {
            await ending.CancelAsync();
            await maintaining.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private static async Task CallAsync(
        VolumeSurroundings surroundings, VolumeSet volumes, ILoggerFactory loggers, TimeProvider time,
        CancellationToken ct)
    {
        var logger = loggers.CreateLogger<ControlLoop>();
        var loop = new ControlLoop(surroundings.Settings, volumes, time, logger);
        var pauses = new ReconnectPolicy(time, new Random());
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await loop.RunOnceAsync(
                    () =>
                    {
                        pauses.Connected();
                        surroundings.Service.Pulse();
                    },
                    ct);
                Disconnected(logger, "the service ended the connection");
            }
            catch (Exception e) when (e is (IOException and not AgentRefusedException) or InvalidDataException)
            {
                Disconnected(logger, e.Message);
            }

            await pauses.WaitAsync(ct);
        }
    }

    private static async Task MaintainAsync(
        VolumeSet volumes, ILogger logger, TimeProvider time, CancellationToken ct)
    {
        using var timer = new PeriodicTimer(MaintainEvery, time);
        while (await timer.WaitForNextTickAsync(ct))
        {
            try
            {
                volumes.Maintain();
                await volumes.TakeUpGrowthAsync(ct);
            }
            catch (IOException e)
            {
                NotMaintained(logger, e.Message);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "background work was not done and comes again: {Reason}")]
    private static partial void NotMaintained(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "not connected: {Reason}")]
    private static partial void Disconnected(ILogger logger, string reason);
}

using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;

namespace ReplicationEngine.Vault.Target;

/// <summary>Runs the replicas' background work (folding, grading, digests) in small pieces, VM by VM.</summary>
internal sealed partial class MaintenanceLoop(TargetSite site, TimeProvider time, ILogger<MaintenanceLoop> logger)
    : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        BackgroundScheduler.Shared.Run(() => RunAsync(stoppingToken));

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Pause, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var vm in site.Vms)
            {
                try
                {
                    site.Find(vm)?.Maintain();
                }
                catch (Exception e) when (e is ReplicaCorruptException or IOException)
                {
                    Failed(vm, e.Message);
                }
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "background work on the replica of '{Vm}' failed: {Reason}")]
    private partial void Failed(string vm, string reason);
}

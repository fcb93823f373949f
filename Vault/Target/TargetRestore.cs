using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Effects;
using ReplicationEngine.Vault.Replicas;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Target;

/// <summary>
/// Restores the target side when the service starts: opens the replica of every VM that has one, and serves the disks
/// that its state records as served. Effects wait for it, and the service listens to agents and clients of recovered
/// disks only afterwards.
/// </summary>
internal sealed partial class TargetRestore(
    ProtectedVms vms, TargetSite site, TargetReady ready, DiskServer server, ServeOptions options,
    ILogger<TargetRestore> logger) : IHostedService
{
    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var vm in await vms.ListAsync(cancellationToken))
        {
            // Without a replica there is nothing to restore, and no entity to load.
            if (!site.Exists(vm) && ReplicaDirectory.Find(options.Data, vm) is null)
            {
                continue;
            }

            var observation = await vms.LookAsync(vm, cancellationToken);
            if (observation.View is { } view)
            {
                StartCheck.RequireSameHistory(options.Data, vm, view.State);
                await RestoreAsync(vm, view.State, cancellationToken);
            }
            else
            {
                NotRestored(vm, observation.Quarantine ?? "its state cannot be read");
            }
        }

        server.StartAccepting();
        ready.Set();
    }

    /// <summary>
    /// Opens a VM's replica and serves the disks that its state records; does nothing when the replica is open or does
    /// not exist.
    /// </summary>
    public async Task RestoreAsync(string vm, ProtectedVmState state, CancellationToken cancellationToken)
    {
        if (!site.Exists(vm) || site.Find(vm) is not null)
        {
            return;
        }

        try
        {
            await site.Obtain(vm).RestoreAsync(state, cancellationToken);
        }
        catch (IOException e)
        {
            NotRestored(vm, e.Message);
        }
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    [LoggerMessage(Level = LogLevel.Error, Message = "the replica of '{Vm}' could not be opened: {Reason}")]
    private partial void NotRestored(string vm, string reason);
}

/// <summary>Opens when the target side is restored to its state before the service stopped.</summary>
internal sealed class TargetReady
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Reports that the target side is restored.</summary>
    public void Set() => _ready.TrySetResult();

    /// <summary>Whether the target side is restored.</summary>
    public bool IsSet => _ready.Task.IsCompleted;

    /// <summary>Waits until the target side is restored.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);
}

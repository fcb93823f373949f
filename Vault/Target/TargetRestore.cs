using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Effects;
using ReplicationEngine.Vault.Replicas;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Target;

/// <summary>
/// When the service starts: opens the replica of every VM that has one and serves again what its state says was served.
/// Effects wait for it, and agents and clients of recovered disks are listened to only afterwards.
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
            // Without a replica there is nothing to restore, and nobody to bring to memory.
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

    /// <summary>Opens one VM's replica and serves what its state says; nothing when it is open or does not
    /// exist.</summary>
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

/// <summary>Opens when the target side stands as it did before the service was stopped.</summary>
internal sealed class TargetReady
{
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>It stands.</summary>
    public void Set() => _ready.TrySetResult();

    /// <summary>Waits until it does.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _ready.Task.WaitAsync(cancellationToken);
}

using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Vault.Effects;

/// <summary>The vault's protected VMs, by name.</summary>
/// <remarks>The engine is asked for when first used, because the engine itself needs the effect handler, which needs
/// this.</remarks>
internal sealed class ProtectedVms(IServiceProvider services)
{
    /// <summary>Who speaks when the engine itself does.</summary>
    public const string EngineActor = "engine";

    /// <summary>The vault that this service holds.</summary>
    public static VaultId Vault { get; } = new("default");

    private IEntitySet<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> Set =>
        services.GetRequiredService<IReplicationEngine>()
            .Entities<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>();

    /// <summary>The handle of one VM.</summary>
    public IEntityHandle<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> Get(string vm) => Set.Get(Vault, vm);

    /// <summary>The names of all VMs that have a history.</summary>
    public ValueTask<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken) =>
        Set.ListAsync(Vault, cancellationToken);

    /// <summary>The state of one VM.</summary>
    public async ValueTask<ProtectedVmState> StateAsync(string vm, CancellationToken cancellationToken) =>
        (await Get(vm).StateAsync(cancellationToken)).State;

    /// <summary>Why a VM is known to be out of service; null when it is not.</summary>
    public string? QuarantineOf(string vm) => Set.QuarantineOf(Vault, vm);

    /// <summary>A VM's state, or why it is out of service; one VM's trouble is none of the others' (I29).</summary>
    public async ValueTask<VmReading> LookAsync(string vm, CancellationToken cancellationToken)
    {
        try
        {
            return new VmReading(await Get(vm).StateAsync(cancellationToken), null);
        }
        catch (EntityUnavailableException e) when (e.Reply is CommandReply.Quarantined quarantined)
        {
            return new VmReading(null, quarantined.Cause);
        }
    }

    /// <summary>Tells a VM a fact; under the same id it is told once however often this is called.</summary>
    public ValueTask<CommandReply> TellAsync(
        string vm, ProtectedVmCommand fact, CommandId id, CancellationToken cancellationToken) =>
        Get(vm).AskAsync(fact, id, EngineActor, cancellationToken);
}

/// <summary>What was found when a VM was looked at: one of the two.</summary>
/// <param name="View">Its state.</param>
/// <param name="Quarantine">Why it is out of service.</param>
internal readonly record struct VmReading(EntityView<ProtectedVmState>? View, string? Quarantine);

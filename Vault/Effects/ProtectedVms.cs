using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Vault.Effects;

/// <summary>The vault's protected VMs, by name.</summary>
/// <remarks>
/// The engine is resolved at first use, because it depends on the effect handler, which depends on this class.
/// </remarks>
internal sealed class ProtectedVms(IServiceProvider services)
{
    /// <summary>The actor of commands that the engine itself sends.</summary>
    public const string EngineActor = "engine";

    /// <summary>The id of the vault that this service holds.</summary>
    public static VaultId Vault { get; } = new("default");

    private IEntitySet<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> Set =>
        services.GetRequiredService<IReplicationEngine>()
            .Entities<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>();

    /// <summary>Returns the handle of a VM.</summary>
    public IEntityHandle<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> Get(string vm) => Set.Get(Vault, vm);

    /// <summary>Returns the names of all VMs that have a history.</summary>
    public ValueTask<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken) =>
        Set.ListAsync(Vault, cancellationToken);

    /// <summary>Returns the state of a VM.</summary>
    public async ValueTask<ProtectedVmState> StateAsync(string vm, CancellationToken cancellationToken) =>
        (await Get(vm).StateAsync(cancellationToken)).State;

    /// <summary>Returns the reason why a VM is known to be out of service; null when it is in service.</summary>
    public string? QuarantineOf(string vm) => Set.QuarantineOf(Vault, vm);

    /// <summary>
    /// Reads a VM: its state, or the reason why it is out of service. A VM that is out of service does not affect the
    /// others (I29).
    /// </summary>
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

    /// <summary>
    /// Sends a command with an observation to a VM; it takes effect once per id, however often it is sent.
    /// </summary>
    public ValueTask<CommandReply> TellAsync(
        string vm, ProtectedVmCommand fact, CommandId id, CancellationToken cancellationToken) =>
        Get(vm).AskAsync(fact, id, EngineActor, cancellationToken);
}

/// <summary>The result of reading a VM. Exactly one member is not null.</summary>
/// <param name="View">The VM's state.</param>
/// <param name="Quarantine">The reason why the VM is out of service.</param>
internal readonly record struct VmReading(EntityView<ProtectedVmState>? View, string? Quarantine);

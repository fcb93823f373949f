using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.ReadModels;
using ReplicationEngine.Vault.Effects;

namespace ReplicationEngine.Vault.Api;

/// <summary>
/// Reads VMs from the projections without loading their entities. While the projection store cannot be read, VMs that
/// are in memory are read from there.
/// </summary>
internal sealed class VmReadModel(IServiceProvider services, ProtectedVms vms)
{
    private const int DocumentsPerRead = 500;

    /// <summary>The longest wait for the caller's own change, or for a consistent read of all VMs.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private IReadOnlyList<string> _names = [];

    private static string VaultName => ProtectedVms.Vault.Value;

    private IReadModel Model => services.GetRequiredService<IReplicationEngine>().ReadModel;

    /// <summary>Returns one VM; an unknown VM has sequence 0.</summary>
    public async ValueTask<VmReading> LookAsync(string vm, CancellationToken cancellationToken)
    {
        try
        {
            var document = await Model.FindAsync<VmDocument>(
                ProtectedVmProjection.ProjectionName, VmDocument.IdOf(VaultName, vm), cancellationToken);
            return document is null
                ? new VmReading(new EntityView<ProtectedVmState>(ProtectedVm.Initial, 0), vms.QuarantineOf(vm))
                : ReadingOf(document);
        }
        catch (JournalUnavailableException)
        {
            return await vms.LookAsync(vm, cancellationToken);
        }
    }

    /// <summary>Returns the state of a VM that has a history; null when no VM has this name.</summary>
    /// <exception cref="EntityUnavailableException">The VM is out of service.</exception>
    public async ValueTask<ProtectedVmState?> FindAsync(string vm, CancellationToken cancellationToken)
    {
        var observation = await LookAsync(vm, cancellationToken);
        return observation.Quarantine is { } cause
            ? throw new EntityUnavailableException(new Actors.Entities.CommandReply.Quarantined(cause), cause)
            : observation.View is { Sequence: > 0 } view ? view.State : null;
    }

    /// <summary>Returns all VMs that have a history, by name.</summary>
    public async ValueTask<IReadOnlyList<(string Vm, VmReading Observe)>> AllAsync(CancellationToken cancellationToken)
    {
        try
        {
            var all = new List<(string, VmReading)>();
            await foreach (var document in DocumentsAsync<VmDocument>($"{VaultName}|", cancellationToken))
            {
                all.Add((document.Vm, ReadingOf(document)));
            }

            _names = [.. all.Select(each => each.Item1)];
            return all;
        }
        catch (JournalUnavailableException)
        {
            return await Task.WhenAll(_names.Select(async vm => (vm, await InMemoryAsync(vm, cancellationToken))));
        }
    }

    /// <summary>
    /// Returns the current states of all VMs that are in service. Every event that is stored at the time of the call is
    /// included.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The states cannot be read now.</exception>
    /// <exception cref="ProjectionBehindException">The states are not up to date in time.</exception>
    public async Task<IReadOnlyList<ProtectedVmState>> StatesAsync(CancellationToken cancellationToken)
    {
        if (!await Model.CaughtUpAsync(ProtectedVmProjection.ProjectionName, s_patience, cancellationToken))
        {
            throw new ProjectionBehindException(ProtectedVmProjection.ProjectionName);
        }

        var states = new List<ProtectedVmState>();
        await foreach (var document in DocumentsAsync<VmDocument>($"{VaultName}|", cancellationToken))
        {
            if (ReadingOf(document) is { Quarantine: null, View: { } view })
            {
                states.Add(view.State);
            }
        }

        return states;
    }

    /// <summary>Returns the names of an agent's VMs.</summary>
    /// <exception cref="JournalUnavailableException">The names cannot be read now.</exception>
    /// <exception cref="ProjectionBehindException">The read model is not up to date in time.</exception>
    public async Task<IReadOnlyList<string>> OfAgentAsync(string agent, CancellationToken cancellationToken)
    {
        if (!await Model.CaughtUpAsync(ProtectedVmProjection.ProjectionName, s_patience, cancellationToken))
        {
            throw new ProjectionBehindException(ProtectedVmProjection.ProjectionName);
        }

        var prefix = VmOfAgentDocument.PrefixOf(VaultName, agent);
        var names = new List<string>();
        await foreach (var document in DocumentsAsync<VmOfAgentDocument>(prefix, cancellationToken))
        {
            names.Add(document.Vm);
        }

        return names;
    }

    /// <summary>Waits, for a bounded time, until the read model contains an event.</summary>
    public async ValueTask<bool> PassedAsync(string vm, long sequence, CancellationToken cancellationToken)
    {
        try
        {
            return await Model.PassedAsync(
                ProtectedVmProjection.ProjectionName, vms.Get(vm).Id, sequence, s_patience, cancellationToken);
        }
        catch (JournalUnavailableException)
        {
            // VMs in memory are read from there meanwhile, and they include the event.
            return true;
        }
    }

    /// <summary>Rebuilds the read model of a VM after its damage is repaired.</summary>
    public void Retake(string vm)
    {
        Model.Retake(ProtectedVmProjection.ProjectionName, vms.Get(vm).Id);
        Model.Retake(AuditProjection.ProjectionName, vms.Get(vm).Id);
    }

    private VmReading ReadingOf(VmDocument document) => (vms.QuarantineOf(document.Vm) ?? document.Trouble) is { } cause
        ? new VmReading(null, cause)
        : new VmReading(new EntityView<ProtectedVmState>(document.Read(), document.Sequence), null);

    private async Task<VmReading> InMemoryAsync(string vm, CancellationToken cancellationToken)
    {
        try
        {
            return await vms.LookAsync(vm, cancellationToken);
        }
        catch (EntityUnavailableException e)
        {
            return new VmReading(null, e.Message);
        }
    }

    private async IAsyncEnumerable<T> DocumentsAsync<T>(
        string prefix, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
        where T : class, IDocument<T>
    {
        IReadOnlyList<T> part;
        string? after = null;
        do
        {
            part = await Model.ListAsync<T>(
                ProtectedVmProjection.ProjectionName, new DocumentRange(prefix, DocumentsPerRead, after),
                cancellationToken);
            foreach (var document in part)
            {
                yield return document;
                after = document.Id;
            }
        }
        while (part.Count == DocumentsPerRead);
    }
}

using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Persistence.ReadModels;

/// <summary>The projection of protected VMs: their current states and all their jobs.</summary>
public sealed class ProtectedVmProjection : IProjection
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "protected-vms";

    private static readonly ProtectedVmCodec s_codec = new();

    /// <inheritdoc/>
    public string Name => ProjectionName;

    /// <summary>
    /// The version. The documents hold states in the form of snapshots, so the snapshot version is part of it.
    /// </summary>
    public int Version => 1_000 + s_codec.SnapshotVersion;

    /// <inheritdoc/>
    public bool Covers(PersistenceId id) => id.Type == ProtectedVm.TypeName;

    /// <inheritdoc/>
    public async ValueTask ProjectAsync(
        PersistenceId id, IReadOnlyList<StoredEvent> events, IDocumentWork documents,
        CancellationToken cancellationToken)
    {
        var (vault, vm) = (id.Vault.Value, id.Entity);
        var before = events[0].Sequence == 1
            ? null : await documents.FindAsync<VmDocument>(VmDocument.IdOf(vault, vm), cancellationToken);
        var was = before?.Read() ?? ProtectedVm.Initial;
        var jobs = new Dictionary<long, Job>();
        var state = was;
        foreach (var stored in events)
        {
            var next = Fold(id, state, stored);
            foreach (var job in next.Jobs.Except(state.Jobs))
            {
                jobs[job.Id] = job;
            }

            state = next;
        }

        documents.Store(VmDocument.Of(vault, vm, events[^1].Sequence, state));
        foreach (var job in jobs.Values)
        {
            var document = JobDocument.Of(vault, vm, job);
            documents.Store(document);
            documents.Store(
                new JobByTimeDocument(JobByTimeDocument.IdOf(vault, job.StartedAt, vm, job.Id), document));
        }

        if (before is null || was.Enrollment.Agent != state.Enrollment.Agent)
        {
            documents.Delete<VmOfAgentDocument>(VmOfAgentDocument.PrefixOf(vault, was.Enrollment.Agent) + vm);
            documents.Store(new VmOfAgentDocument(
                VmOfAgentDocument.PrefixOf(vault, state.Enrollment.Agent) + vm, vm));
        }
    }

    /// <inheritdoc/>
    public async ValueTask EndAsync(
        PersistenceId id, string cause, IDocumentWork documents, CancellationToken cancellationToken)
    {
        var (vault, vm) = (id.Vault.Value, id.Entity);
        var known = await documents.FindAsync<VmDocument>(VmDocument.IdOf(vault, vm), cancellationToken)
            ?? VmDocument.Of(vault, vm, 0, ProtectedVm.Initial);
        documents.Store(known with { Trouble = cause });
    }

    // As in the entity itself, an event that cannot be applied ends this entity's history, and no other's (I29).
    private static ProtectedVmState Fold(PersistenceId id, ProtectedVmState state, StoredEvent stored)
    {
        var decoded = s_codec.Decode(stored.Name, stored.Payload);
        try
        {
            return ProtectedVm.Evolve(state, decoded);
        }
        catch (Exception exception)
        {
            throw new UnreadableEventException(
                $"Event {stored.Sequence} of {id} cannot be applied: {exception.Message}", exception);
        }
    }
}

/// <summary>
/// The projection of the audit log: every accepted command that was not sent by the engine itself (S23).
/// </summary>
public sealed class AuditProjection : IProjection
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "audit";

    /// <inheritdoc/>
    public string Name => ProjectionName;

    /// <inheritdoc/>
    public int Version => 1;

    /// <inheritdoc/>
    public bool Covers(PersistenceId id) => id.Type == ProtectedVm.TypeName;

    /// <inheritdoc/>
    public ValueTask ProjectAsync(
        PersistenceId id, IReadOnlyList<StoredEvent> events, IDocumentWork documents,
        CancellationToken cancellationToken)
    {
        var (vault, vm) = (id.Vault.Value, id.Entity);
        foreach (var stored in events)
        {
            if (stored.Command is { } command && stored.Actor != ProtectedVm.EngineActor)
            {
                var entry = new AuditDocument(
                    AuditDocument.IdOf(vault, stored.Time, vm, stored.Sequence), stored.Time, vm, stored.Actor,
                    command.Name, stored.CommandId.Value, stored.Sequence);
                documents.Store(entry);
                documents.Store(
                    new AuditOfVmDocument(AuditOfVmDocument.IdOf(vault, vm, stored.Sequence), entry));
            }
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask EndAsync(
        PersistenceId id, string cause, IDocumentWork documents, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;
}

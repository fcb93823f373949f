using System.Collections.Immutable;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Workloads;
using ReplicationEngine.Simulation.World;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>Something that must hold does not.</summary>
internal sealed class InvariantBrokenException(string invariant, string message)
    : Exception($"{invariant}: {message}")
{
    /// <summary>Which.</summary>
    public string Invariant { get; } = invariant;
}

/// <summary>A write as it was just acknowledged.</summary>
/// <param name="Model">The lineage it belongs to.</param>
/// <param name="Volume">The splitter.</param>
/// <param name="Write">The write.</param>
/// <param name="Before">The newest logged change before it.</param>
internal sealed record SeenWrite(DiskModel Model, SourceVolume Volume, ModelWrite Write, ChangePosition Before)
{
    /// <summary>The newest number that was acknowledged when it was submitted.</summary>
    public long AcknowledgedBefore { get; init; }

    /// <summary>Whether the source had been fenced when it was submitted.</summary>
    public bool WhileFenced { get; init; }

    /// <summary>How long it was under way next to others; zero for one that was alone.</summary>
    public TimeSpan UnderWayFor { get; init; }
}

/// <summary>Records as they were just applied to a replica.</summary>
/// <param name="Records">The encoded records.</param>
/// <param name="Before">Where the replica stood.</param>
/// <param name="After">Where it stands.</param>
/// <param name="SenderTerm">The sender's term.</param>
/// <param name="NewPoints">Points that they made.</param>
internal sealed record SeenRecords(
    ReadOnlyMemory<byte> Records, (ReplicaPosition Position, ChangePosition Applied) Before,
    (ReplicaPosition Position, ChangePosition Applied) After, Term SenderTerm, int NewPoints)
{
    /// <summary>The cut of the newest of those points.</summary>
    public ChangePosition NewestCut { get; init; }
}

/// <summary>Events that reached the journal.</summary>
/// <param name="Id">Their stream.</param>
/// <param name="Owner">Whose they are, by its number.</param>
/// <param name="Events">All events of one command.</param>
/// <param name="Stored">Whether the journal took them.</param>
internal sealed record SeenAppend(PersistenceId Id, long Owner, ImmutableArray<StoredEvent> Events, bool Stored);

/// <summary>
/// One invariant: it is told what happens, holds it against a model of its own and throws
/// <see cref="InvariantBrokenException"/>.
/// </summary>
internal abstract class Checker
{
    /// <summary>The invariant's name.</summary>
    public abstract string Id { get; }

    /// <summary>The guest's write was acknowledged.</summary>
    public virtual void Wrote(SimVm vm, SeenWrite seen)
    {
    }

    /// <summary>The guest's write was refused.</summary>
    public virtual void Refused(SimVm vm, DiskModel model, SourceVolume volume, BlockDeviceException error)
    {
    }

    /// <summary>A flush was acknowledged, or (with <paramref name="failed"/>) answered EIO.</summary>
    public virtual void Flushed(SimVm vm, SourceVolume volume, int disk, bool failed)
    {
    }

    /// <summary>The source was opened again; what its disks hold now.</summary>
    public virtual void Reopened(SimVm vm, bool powerCut, ulong[] actual, DiskModel model)
    {
    }

    /// <summary>The source was opened after its machine, data or disks had been put back; what its disks must hold, and
    /// hold.</summary>
    public virtual void OpenedPutBack(SimVm vm, ulong[] expected, ulong[] actual)
    {
    }

    /// <summary>A marker stands in the source's stream.</summary>
    public virtual void Marked(SimVm vm, RecoveryPointId point, long number)
    {
    }

    /// <summary>Records were applied.</summary>
    public virtual void Applied(SimVm vm, SeenRecords seen)
    {
    }

    /// <summary>A recovery point was read; null when it could not be, for a reason that it named.</summary>
    public virtual void PointRead(SimVm vm, RecoveryPoint point, ulong[]? content, bool first)
    {
    }

    /// <summary>Events reached the journal, which took them or not.</summary>
    public virtual void Appended(SeenAppend seen)
    {
    }

    /// <summary>An owner is told that its events are durable.</summary>
    public virtual void Persisted(SimVm vm, long owner, ImmutableArray<StoredEvent> events)
    {
    }

    /// <summary>An event became durable.</summary>
    public virtual void Stored(SimVm vm, ProtectedVmEvent @event)
    {
    }

    /// <summary>A command was answered.</summary>
    public virtual void Answered(SimVm vm, CommandId id, ProtectedVmCommand command, CommandReply reply)
    {
    }

    /// <summary>A minute passed.</summary>
    public virtual void Minute(SimVm vm)
    {
    }

    /// <summary>A second passed; told where the plan asks for <see cref="Plans.SimFeatures.Prompt"/>.</summary>
    public virtual void Second(SimVm vm)
    {
    }

    /// <summary>The replica dropped points.</summary>
    public virtual void Pruned(SimVm vm)
    {
    }

    /// <summary>The target side took over.</summary>
    public virtual void FailedOver(SimVm vm, RecoveredMachine copy, ulong[] content)
    {
    }

    /// <summary>The source took over again.</summary>
    public virtual void FailedBack(SimVm vm, ulong[] content)
    {
    }

    /// <summary>A test machine began, or (null) was removed.</summary>
    public virtual void Tested(SimVm vm, ServedMachine? copy)
    {
    }

    /// <summary>An entity went out of service, or met an exception.</summary>
    public virtual void EntityFailed(SimVm vm, Exception cause)
    {
    }

    /// <summary>The run is over.</summary>
    public virtual void End(SimVm vm)
    {
    }

    /// <summary>Says what is broken.</summary>
    protected InvariantBrokenException Broken(SimVm vm, string message) => new(Id, $"{vm.Name}: {message}");
}

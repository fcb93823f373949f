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

/// <summary>The exception that reports a broken invariant.</summary>
internal sealed class InvariantBrokenException(string invariant, string message)
    : Exception($"{invariant}: {message}")
{
    /// <summary>The name of the broken invariant.</summary>
    public string Invariant { get; } = invariant;
}

/// <summary>A write of the guest that was just acknowledged.</summary>
/// <param name="Model">The model of the disks that the write belongs to.</param>
/// <param name="Volume">The source volume that took the write.</param>
/// <param name="Write">The write as the model records it.</param>
/// <param name="Before">The position of the newest logged change before the write.</param>
internal sealed record SeenWrite(DiskModel Model, SourceVolume Volume, ModelWrite Write, ChangePosition Before)
{
    /// <summary>The newest number that was acknowledged when the write was submitted.</summary>
    public long AcknowledgedBefore { get; init; }

    /// <summary>Whether the source was fenced when the write was submitted.</summary>
    public bool WhileFenced { get; init; }

    /// <summary>The time that the write was in progress next to others; zero for a write that was alone.</summary>
    public TimeSpan UnderWayFor { get; init; }
}

/// <summary>Records that were just applied to a replica.</summary>
/// <param name="Records">The encoded records.</param>
/// <param name="Before">The replica's position before the records.</param>
/// <param name="After">The replica's position after the records.</param>
/// <param name="SenderTerm">The term of the sender.</param>
/// <param name="NewPoints">The number of recovery points that the records created.</param>
internal sealed record SeenRecords(
    ReadOnlyMemory<byte> Records, (ReplicaPosition Position, ChangePosition Applied) Before,
    (ReplicaPosition Position, ChangePosition Applied) After, Term SenderTerm, int NewPoints)
{
    /// <summary>The cut of the replica's newest recovery point after the records.</summary>
    public ChangePosition NewestCut { get; init; }
}

/// <summary>Events that reached the journal.</summary>
/// <param name="Id">The stream of the events.</param>
/// <param name="Owner">The number of the owner that sent the events.</param>
/// <param name="Events">All events of one command.</param>
/// <param name="Stored">Whether the journal stored the events.</param>
internal sealed record SeenAppend(PersistenceId Id, long Owner, ImmutableArray<StoredEvent> Events, bool Stored);

/// <summary>
/// The checker of one invariant. Its methods are called when something happens in the world; it compares that with its
/// own model and throws <see cref="InvariantBrokenException"/>.
/// </summary>
internal abstract class Checker
{
    /// <summary>The name of the invariant.</summary>
    public abstract string Id { get; }

    /// <summary>Called when a write of the guest was acknowledged.</summary>
    public virtual void Wrote(SimVm vm, SeenWrite seen)
    {
    }

    /// <summary>Called when a write of the guest was refused.</summary>
    public virtual void Refused(SimVm vm, DiskModel model, SourceVolume volume, BlockDeviceException error)
    {
    }

    /// <summary>Called when a flush was acknowledged, or failed with EIO (<paramref name="failed"/>).</summary>
    public virtual void Flushed(SimVm vm, SourceVolume volume, int disk, bool failed)
    {
    }

    /// <summary>
    /// Called when a volume was opened again after a death, with the content that its disks hold now.
    /// </summary>
    public virtual void Reopened(SimVm vm, bool powerCut, ulong[] actual, DiskModel model)
    {
    }

    /// <summary>
    /// Called when the source was opened after its machine, data or disks had been restored, with the content that its
    /// disks must hold and the content that they hold.
    /// </summary>
    public virtual void OpenedPutBack(SimVm vm, ulong[] expected, ulong[] actual)
    {
    }

    /// <summary>Called when the marker of a recovery point is in the source's stream.</summary>
    public virtual void Marked(SimVm vm, RecoveryPointId point, long number)
    {
    }

    /// <summary>Called when records were applied to the replica.</summary>
    public virtual void Applied(SimVm vm, SeenRecords seen)
    {
    }

    /// <summary>
    /// Called when a recovery point was read. The content is null when the replica gave a reason why it cannot be read.
    /// </summary>
    public virtual void PointRead(SimVm vm, RecoveryPoint point, ulong[]? content, bool first)
    {
    }

    /// <summary>Called when events reached the journal, whether or not the journal stored them.</summary>
    public virtual void Appended(SeenAppend seen)
    {
    }

    /// <summary>Called when an owner learns that its events are durable.</summary>
    public virtual void Persisted(SimVm vm, long owner, ImmutableArray<StoredEvent> events)
    {
    }

    /// <summary>Called when an event became durable.</summary>
    public virtual void Stored(SimVm vm, ProtectedVmEvent @event)
    {
    }

    /// <summary>Called when a command got its reply.</summary>
    public virtual void Answered(SimVm vm, CommandId id, ProtectedVmCommand command, CommandReply reply)
    {
    }

    /// <summary>Called every minute.</summary>
    public virtual void Minute(SimVm vm)
    {
    }

    /// <summary>Called every second, if the plan has <see cref="Plans.SimFeatures.Prompt"/>.</summary>
    public virtual void Second(SimVm vm)
    {
    }

    /// <summary>Called when the replica dropped recovery points.</summary>
    public virtual void Pruned(SimVm vm)
    {
    }

    /// <summary>Called when the target side has taken over, with the content of the recovered machine.</summary>
    public virtual void FailedOver(SimVm vm, RecoveredMachine copy, ulong[] content)
    {
    }

    /// <summary>Called when the source has taken over again, with the content of its disks.</summary>
    public virtual void FailedBack(SimVm vm, ulong[] content)
    {
    }

    /// <summary>Called when a test machine was started, or was removed (null).</summary>
    public virtual void Tested(SimVm vm, ServedMachine? copy)
    {
    }

    /// <summary>Called when an entity went out of service, or restarted because of an exception.</summary>
    public virtual void EntityFailed(SimVm vm, Exception cause)
    {
    }

    /// <summary>Called at the end of the run.</summary>
    public virtual void End(SimVm vm)
    {
    }

    /// <summary>Returns the exception that reports how a VM breaks the invariant.</summary>
    protected InvariantBrokenException Broken(SimVm vm, string message) => new(Id, $"{vm.Name}: {message}");
}

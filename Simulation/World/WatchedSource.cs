using System.Buffers;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Simulation.World;

/// <summary>A change source that counts the copies that come too late to clear anything.</summary>
internal sealed class WatchedSource(SimWorld world, IChangeSource source) : IChangeSource
{
    /// <inheritdoc/>
    public IReadOnlyList<DiskSpec> Disks => source.Disks;

    /// <inheritdoc/>
    public Term Term => source.Term;

    /// <inheritdoc/>
    public ChangePosition Tail => source.Tail;

    /// <inheritdoc/>
    public SourceHistory History => source.History;

    /// <inheritdoc/>
    public bool IsResyncHeld => source.IsResyncHeld;

    /// <inheritdoc/>
    public long BytesAfter(ChangePosition position) => source.BytesAfter(position);

    /// <inheritdoc/>
    public ChangePosition Attach(ReplicaPosition replica) => source.Attach(replica);

    /// <inheritdoc/>
    public int ReadLog(ref ChangePosition after, ArrayBufferWriter<byte> target, int maxBytes) =>
        source.ReadLog(ref after, target, maxBytes);

    /// <inheritdoc/>
    public ValueTask WaitForWorkAsync(ChangePosition after, CancellationToken cancellationToken) =>
        source.WaitForWorkAsync(after, cancellationToken);

    /// <inheritdoc/>
    public void WaitForCompletion(Lsn lsn) => source.WaitForCompletion(lsn);

    /// <inheritdoc/>
    public void Acknowledge(ChangePosition durable) => source.Acknowledge(durable);

    /// <inheritdoc/>
    public void ReadDisk(int disk, long offset, Span<byte> destination) => source.ReadDisk(disk, offset, destination);

    /// <inheritdoc/>
    public AllocatedRun NextRun(int disk, long offset, long length) => source.NextRun(disk, offset, length);

    /// <inheritdoc/>
    public IReadOnlyList<DirtyExtent> DirtyExtents() => source.DirtyExtents();

    /// <inheritdoc/>
    public void ClearDirty(DirtyExtent extent)
    {
        if (extent.Version != 0 && (source.IsResyncHeld || extent.Version != source.Tail.Generation.Value))
        {
            world.Sometimes.Count(Probes.LateClear);
        }

        source.ClearDirty(extent);
    }
}

using System.Buffers;
using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>A sending end with a fault built in.</summary>
internal sealed class FaultySource(IChangeSource source) : IChangeSource
{
    public Dictionary<(int, long), byte[]>? FirstReads { get; init; }

    public bool ClearsAtOnce { get; init; }

    public bool LosesLast { get; init; }

    public IReadOnlyList<DiskSpec> Disks => source.Disks;

    public Term Term => source.Term;

    public ChangePosition Tail => source.Tail;

    public SourceHistory History => source.History;

    public bool IsResyncHeld => source.IsResyncHeld;

    public long BytesAfter(ChangePosition position) => source.BytesAfter(position);

    public ChangePosition Attach(ReplicaPosition replica) => source.Attach(replica);

    public int ReadLog(ref ChangePosition after, ArrayBufferWriter<byte> target, int maxBytes) =>
        source.ReadLog(ref after, target, maxBytes);

    public ValueTask WaitForWorkAsync(ChangePosition after, CancellationToken cancellationToken) =>
        source.WaitForWorkAsync(after, cancellationToken);

    public void WaitForCompletion(Lsn lsn) => source.WaitForCompletion(lsn);

    public void Acknowledge(ChangePosition durable) => source.Acknowledge(durable);

    public void ReadDisk(int disk, long offset, Span<byte> destination)
    {
        source.ReadDisk(disk, offset, destination);
        if (FirstReads is null)
        {
            return;
        }

        if (FirstReads.TryGetValue((disk, offset), out var first) && first.Length == destination.Length)
        {
            first.CopyTo(destination);
        }
        else
        {
            FirstReads[(disk, offset)] = destination.ToArray();
        }
    }

    public AllocatedRun NextRun(int disk, long offset, long length) => source.NextRun(disk, offset, length);

    public IReadOnlyList<DirtyExtent> DirtyExtents()
    {
        var extents = source.DirtyExtents();
        if (ClearsAtOnce && !source.IsResyncHeld && extents.Count > 0)
        {
            source.ClearDirty(extents[0]);
            return [.. extents.Skip(1)];
        }

        if (LosesLast && !source.IsResyncHeld && extents.Count > 1)
        {
            source.ClearDirty(extents[^1]);
            return [.. extents.SkipLast(1)];
        }

        return extents;
    }

    public void ClearDirty(DirtyExtent extent) => source.ClearDirty(extent);
}

/// <summary>A receiving end with a fault built in.</summary>
internal sealed class FaultySink(IReplicaSink sink) : IReplicaSink
{
    private int _batches;

    public int SwallowsEvery { get; init; }

    public bool EndsResyncsAtOnce { get; init; }

    public bool LeavesOutLast { get; init; }

    public ReplicaPosition Position => sink.Position;

    public IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor) => sink.ChangedSince(floor);

    public void NameSource(Guid incarnation) => sink.NameSource(incarnation);

    public void Apply(ReadOnlyMemory<byte> records)
    {
        if (SwallowsEvery > 0 && ++_batches % SwallowsEvery == 0)
        {
            return;
        }

        sink.Apply(records);
        if (EndsResyncsAtOnce && sink.Position.Resyncing
            && ChangeRecord.TryReadHeader(records.Span, out var header) && header.Lsn.Value > 0)
        {
            sink.EndResync(new ChangePosition(header.Generation, header.Lsn));
        }
    }

    public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes) =>
        sink.NoteBlockHashes(disk, firstBlock, hashes);

    public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs)
    {
        sink.CompareBlocks(disk, firstBlock, hashes, differs);
        if (LeavesOutLast)
        {
            differs[^1] = false;
        }
    }

    public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes) =>
        sink.TryReadBlockHashes(disk, firstBlock, hashes);

    public void EndResync(ChangePosition consistentFrom)
    {
        if (!EndsResyncsAtOnce)
        {
            sink.EndResync(consistentFrom);
        }
    }

    public ChangePosition Sync() => sink.Sync();

    public void Resize(int disk, long sizeBytes) => sink.Resize(disk, sizeBytes);
}

/// <summary>A journal with a fault built in.</summary>
internal sealed class FaultyJournal(IStreams streams) : IStreams
{
    public bool TakesTwice { get; init; }

    public bool Forgets { get; init; }

    public bool TryAppend(PersistenceId id, ImmutableArray<StoredEvent> events) =>
        streams.TryAppend(id, events) || TakesTwice;

    public IReadOnlyList<StoredEvent> Read(PersistenceId id, long after, int most) => streams.Read(id, after, most);

    public CommandRecord? FindCommand(PersistenceId id, CommandId commandId) =>
        Forgets ? null : streams.FindCommand(id, commandId);
}

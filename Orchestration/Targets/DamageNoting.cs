using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>A replica sink that reports damage found during a session, and clears it with the next sync.</summary>
/// <param name="sink">The replica.</param>
/// <param name="noted">Receives a description of the damage; null when there is none any more.</param>
internal sealed class DamageNoting(IReplicaSink sink, Action<string?> noted) : IReplicaSink
{
    /// <inheritdoc/>
    public ReplicaPosition Position => sink.Position;

    /// <inheritdoc/>
    public IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor)
    {
        try
        {
            return sink.ChangedSince(floor);
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public void NameSource(Guid incarnation)
    {
        try
        {
            sink.NameSource(incarnation);
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public void Apply(ReadOnlyMemory<byte> records)
    {
        try
        {
            sink.Apply(records);
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes)
    {
        try
        {
            sink.NoteBlockHashes(disk, firstBlock, hashes);
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs)
    {
        try
        {
            sink.CompareBlocks(disk, firstBlock, hashes, differs);
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes)
    {
        try
        {
            return sink.TryReadBlockHashes(disk, firstBlock, hashes);
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public void EndResync(ChangePosition consistentFrom)
    {
        try
        {
            sink.EndResync(consistentFrom);
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public ChangePosition Sync()
    {
        try
        {
            var durable = sink.Sync();
            noted(null);
            return durable;
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    /// <inheritdoc/>
    public void Resize(int disk, long sizeBytes)
    {
        try
        {
            sink.Resize(disk, sizeBytes);
        }
        catch (ReplicaCorruptException e) when (Note(e))
        {
            throw;
        }
    }

    private bool Note(ReplicaCorruptException damage)
    {
        noted(damage.Message);
        return true;
    }
}

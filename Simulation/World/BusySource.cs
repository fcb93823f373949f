using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// A source's disk on which the guest writes while a sync is under way: after what the sync covers, and before it is
/// answered. One thread would never do that by itself.
/// </summary>
internal sealed class BusySource(IBlockDevice inner, Action synced) : IBlockDevice
{
    /// <inheritdoc/>
    public long Length => inner.Length;

    /// <inheritdoc/>
    public long UsableLength => inner.UsableLength;

    /// <inheritdoc/>
    public bool HasFastZeroes => inner.HasFastZeroes;

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination) => inner.Read(offset, destination);

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<BlockChange> changes) => inner.Write(changes);

    /// <inheritdoc/>
    public void Flush()
    {
        inner.Flush();
        synced();
    }

    /// <inheritdoc/>
    public AllocatedRun NextRun(long offset, long length) => inner.NextRun(offset, length);

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();
}

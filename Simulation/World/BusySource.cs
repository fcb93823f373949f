using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// A source's disk on which the guest writes while a sync is in progress: after the changes that the sync covers, and
/// before the sync returns. One thread alone would never do that. With a batch of a <see cref="Strand"/> the disk
/// pauses before the first change, in the middle and after the last one, as the strand's stops select.
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
    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        if (Strand.Current is not { } strand)
        {
            inner.Write(changes);
            return;
        }

        var half = changes.Length / 2;
        Stop(strand, 1);
        inner.Write(changes[..half]);
        Stop(strand, 2);
        inner.Write(changes[half..]);
        strand.Taken = true;
        Stop(strand, 4);
    }

    /// <inheritdoc/>
    public void Flush()
    {
        inner.Flush();
        if (Strand.Current is null)
        {
            synced();
        }
    }

    /// <inheritdoc/>
    public void DropCached() => inner.DropCached();

    /// <inheritdoc/>
    public AllocatedRun NextRun(long offset, long length) => inner.NextRun(offset, length);

    /// <inheritdoc/>
    public void Dispose() => inner.Dispose();

    private static void Stop(Strand strand, int stop)
    {
        if ((strand.Stops & stop) != 0)
        {
            strand.GiveWay(StrandState.AtDevice);
        }
    }
}

using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.Tests.TestKit.Nbd;

/// <summary>
/// A disk in memory that can be told to fail or to wait. Holes are kept per 4 KiB block: a block is one until it is
/// written and again when it is deallocated.
/// </summary>
public sealed class MemoryBlockDevice(int length) : IBlockDevice
{
    private const int BlockSize = 4096;

    private readonly bool[] _allocated = new bool[(length + BlockSize - 1) / BlockSize];
    private readonly Lock _lock = new();

    /// <summary>The bytes.</summary>
    public byte[] Bytes { get; } = new byte[length];

    /// <summary>Called in front of every operation with its name; may throw or block.</summary>
    public Action<string> Before { get; set; } = _ => { };

    /// <summary>Calls of <see cref="Write"/>.</summary>
    public int WriteCalls { get; private set; }

    /// <summary>Calls of <see cref="Flush"/>.</summary>
    public int Flushes { get; private set; }

    /// <summary>Changes that were to be durable on return.</summary>
    public int ForcedChanges { get; private set; }

    /// <inheritdoc/>
    public long Length => Bytes.Length;

    /// <inheritdoc/>
    public bool HasFastZeroes { get; init; }

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> destination)
    {
        Before("read");
        lock (_lock)
        {
            Bytes.AsSpan(checked((int)offset), destination.Length).CopyTo(destination);
        }
    }

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<BlockChange> changes)
    {
        Before("write");
        lock (_lock)
        {
            WriteCalls++;
            foreach (var change in changes)
            {
                ForcedChanges += change.ForceUnitAccess ? 1 : 0;
                Apply(change);
            }
        }
    }

    /// <inheritdoc/>
    public void Flush()
    {
        Before("flush");
        lock (_lock)
        {
            Flushes++;
        }
    }

    /// <inheritdoc/>
    public AllocatedRun NextRun(long offset, long length)
    {
        Before("status");
        lock (_lock)
        {
            var end = Math.Min(Bytes.Length, offset + length);
            var state = _allocated[offset / BlockSize];
            var at = offset;
            while (at < end && _allocated[at / BlockSize] == state)
            {
                at = ((at / BlockSize) + 1) * BlockSize;
            }

            return new AllocatedRun(Math.Min(at, end) - offset, state ? AllocationState.Data : AllocationState.Hole);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // Memory needs no closing.
    }

    private void Apply(in BlockChange change)
    {
        var target = Bytes.AsSpan(checked((int)change.Offset), checked((int)change.Length));
        if (change.Data.IsEmpty)
        {
            target.Clear();
        }
        else
        {
            change.Data.Span.CopyTo(target);
        }

        for (var block = change.Offset / BlockSize; block * BlockSize < change.Offset + change.Length; block++)
        {
            var whole = change.Offset <= block * BlockSize
                && change.Offset + change.Length >= Math.Min(Bytes.Length, (block + 1) * BlockSize);
            if (!change.MayDeallocate || whole)
            {
                _allocated[block] = !change.MayDeallocate;
            }
        }
    }
}

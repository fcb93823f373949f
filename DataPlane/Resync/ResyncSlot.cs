namespace ReplicationEngine.DataPlane.Resync;

/// <summary>The use of a slot in the stream during a resync.</summary>
public enum ResyncSlotKind : byte
{
    /// <summary>A slot outside the stream: find the allocated blocks of the extent.</summary>
    Inspect,

    /// <summary>Blocks of a replica that was empty: zeroes are left out.</summary>
    Copy,

    /// <summary>The root hash of an extent.</summary>
    RootProbe,

    /// <summary>The block hashes of an extent.</summary>
    BlockProbe,

    /// <summary>Blocks that differ: zeroes are sent as such.</summary>
    Data,
}

/// <summary>A slot in the stream: an operation on a run of blocks of an extent.</summary>
public readonly record struct ResyncSlot(ResyncSlotKind Kind, ExtentWork Work, int FirstBlock, int BlockCount)
{
    /// <summary>The maximum number of blocks in one slot: 1 MiB.</summary>
    public const int MaxBlocks = 16;

    /// <summary>The offset of the blocks on the disk.</summary>
    public long Offset => Work.Extent.Offset + ((long)FirstBlock * BlockHashTree.BlockSize);

    /// <summary>The size of the blocks in bytes; the last block of a disk may be short.</summary>
    public int Length => (int)Math.Min(
        (long)BlockCount * BlockHashTree.BlockSize, Work.Extent.Length - ((long)FirstBlock * BlockHashTree.BlockSize));

    /// <summary>
    /// The slot's cost in the window: buffer bytes, or for probes their share of reading and hashing.
    /// </summary>
    public int Cost => Kind is ResyncSlotKind.RootProbe ? Work.Extent.Length / 16 : Math.Max(Length, 4096);
}

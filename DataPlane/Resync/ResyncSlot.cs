namespace ReplicationEngine.DataPlane.Resync;

/// <summary>What a place in the stream is used for during a resync.</summary>
public enum ResyncSlotKind : byte
{
    /// <summary>Not for the stream: find out which blocks of the extent are allocated.</summary>
    Inspect,

    /// <summary>Blocks of a replica that was empty: zeroes are left out.</summary>
    Copy,

    /// <summary>The extent's root hash.</summary>
    RootProbe,

    /// <summary>The extent's block hashes.</summary>
    BlockProbe,

    /// <summary>Blocks that differ: zeroes are sent as such.</summary>
    Data,
}

/// <summary>One place in the stream: what to do with which blocks of an extent.</summary>
public readonly record struct ResyncSlot(ResyncSlotKind Kind, ExtentWork Work, int FirstBlock, int BlockCount)
{
    /// <summary>The most blocks that one place carries: 1 MiB.</summary>
    public const int MaxBlocks = 16;

    /// <summary>Where the blocks begin on the disk.</summary>
    public long Offset => Work.Extent.Offset + ((long)FirstBlock * BlockHashTree.BlockSize);

    /// <summary>The bytes of the blocks; the last block of a disk may be short.</summary>
    public int Length => (int)Math.Min(
        (long)BlockCount * BlockHashTree.BlockSize, Work.Extent.Length - ((long)FirstBlock * BlockHashTree.BlockSize));

    /// <summary>What the place costs of the window: buffer bytes, or for probes their share of reading and
    /// hashing.</summary>
    public int Cost => Kind is ResyncSlotKind.RootProbe ? Work.Extent.Length / 16 : Math.Max(Length, 4096);
}

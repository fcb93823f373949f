using System.Numerics;
using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Resync;

// The stages of an extent in a resync:
//
//   copy:     Queued ─inspect─► Sending ─last slot reserved─► Settling ─durable─► (cleared)
//   compare:  Queued ─► Rooting ─same─► Settling
//                          └─differs─► Probing ─► (waits for the reply) ─► Sending ─► Settling ─durable─► (cleared)
//
// Settling holds the sequence number of the last frame about this extent, or of the probe that found it equal: a match
// was found against applied, perhaps not yet durable, content.

/// <summary>The stage of an extent in a resync.</summary>
public enum ExtentStage : byte
{
    /// <summary>The extent waits to be started.</summary>
    Queued,

    /// <summary>The extent's root probe is reserved in the stream; its reply is outstanding.</summary>
    Rooting,

    /// <summary>The extent's block hashes must be sent or were sent.</summary>
    Probing,

    /// <summary>Blocks of the extent must be sent.</summary>
    Sending,

    /// <summary>Nothing of the extent is left to reserve; its last frame is not yet durable.</summary>
    Settling,
}

/// <summary>The progress of one extent in a resync.</summary>
public sealed class ExtentWork(DirtyExtent extent, bool copy)
{
    /// <summary>The extent as the snapshot returned it; its version is the generation of the snapshot, or 0.</summary>
    public DirtyExtent Extent { get; } = extent;

    /// <summary>Whether the replica's extent is known to be empty.</summary>
    public bool Copy { get; } = copy;

    /// <summary>The current stage of the extent.</summary>
    public ExtentStage Stage { get; set; }

    /// <summary>The blocks still to send, as a bit mask.</summary>
    public ulong Pending { get; set; }

    /// <summary>The sequence number of the last frame about the extent.</summary>
    public ulong LastSequence { get; set; }

    /// <summary>The source's block hashes read for the root probe; null after they are no longer needed.</summary>
    public byte[]? Hashes { get; set; }

    /// <summary>The number of blocks of the extent.</summary>
    public int Blocks => BlockHashTree.BlockCount(Extent.Length);

    /// <summary>Removes the next run of pending blocks and returns it.</summary>
    public (int First, int Count) TakeRun()
    {
        var first = BitOperations.TrailingZeroCount(Pending);
        var count = Math.Min(BitOperations.TrailingZeroCount(~(Pending >> first)), ResyncSlot.MaxBlocks);
        count = Math.Min(count, BlockHashTree.BlocksPerExtent - first);
        Pending &= ~(BlockHashTree.MaskOf(count) << first);
        return (first, count);
    }
}

using System.Numerics;
using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Resync;

// An extent's way through a resync:
//
//   copy:     Queued ─inspect─► Sending ─last slot reserved─► Settling ─durable─► (cleared)
//   compare:  Queued ─► Rooting ─same─► Settling
//                          └─differs─► Probing ─► (awaits the answer) ─► Sending ─► Settling ─durable─► (cleared)
//
// Settling holds the sequence number of the last frame about this extent, or of the probe that found it equal: a match
// was found against applied, perhaps not yet durable, content.

/// <summary>Where an extent stands.</summary>
public enum ExtentStage : byte
{
    /// <summary>Not begun.</summary>
    Queued,

    /// <summary>Its root hash is on the way.</summary>
    Rooting,

    /// <summary>Its block hashes are due or on the way.</summary>
    Probing,

    /// <summary>Blocks of it are to be sent.</summary>
    Sending,

    /// <summary>All is sent; it becomes durable.</summary>
    Settling,
}

/// <summary>One extent on its way.</summary>
public sealed class ExtentWork(DirtyExtent extent, bool copy)
{
    /// <summary>The extent as it was marked.</summary>
    public DirtyExtent Extent { get; } = extent;

    /// <summary>Whether the replica's extent is known to be empty.</summary>
    public bool Copy { get; } = copy;

    /// <summary>Where it stands.</summary>
    public ExtentStage Stage { get; set; }

    /// <summary>Blocks still to be sent.</summary>
    public ulong Pending { get; set; }

    /// <summary>The last frame about it.</summary>
    public ulong LastSequence { get; set; }

    /// <summary>The source's block hashes as read for the root probe; dropped when they are no longer needed.</summary>
    public byte[]? Hashes { get; set; }

    /// <summary>Blocks of the extent.</summary>
    public int Blocks => BlockHashTree.BlockCount(Extent.Length);

    /// <summary>Takes the next run of pending blocks.</summary>
    public (int First, int Count) TakeRun()
    {
        var first = BitOperations.TrailingZeroCount(Pending);
        var count = Math.Min(BitOperations.TrailingZeroCount(~(Pending >> first)), ResyncSlot.MaxBlocks);
        count = Math.Min(count, BlockHashTree.BlocksPerExtent - first);
        Pending &= ~(BlockHashTree.MaskOf(count) << first);
        return (first, count);
    }
}

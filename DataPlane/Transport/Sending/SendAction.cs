using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>What the shell of a sending session is to do.</summary>
public enum SendStep : byte
{
    /// <summary>Nothing until something arrives: a frame, log records, a tick.</summary>
    Wait,

    /// <summary>As <see cref="Wait"/>, but the source cannot say when log records arrive: look again soon.</summary>
    Poll,

    /// <summary>Read the log and report with <see cref="SendMachine.LogRead"/>.</summary>
    ReadLog,

    /// <summary>Read the dirty extents, and the tail before and after, and report with
    /// <see cref="SendMachine.DirtyRead"/>.</summary>
    ReadDirty,

    /// <summary>Find the allocated blocks of an extent and report with <see cref="SendMachine.Inspected"/>.</summary>
    Inspect,

    /// <summary>The frame takes its place in the stream: fill it and send it in turn.</summary>
    Reserve,

    /// <summary>Tell the source what is durable.</summary>
    Acknowledge,

    /// <summary>Tell the source that an extent is clean.</summary>
    ClearDirty,

    /// <summary>All is durable and the closing frame is reserved.</summary>
    Finished,
}

/// <summary>A step and what belongs to it.</summary>
/// <param name="Step">What to do.</param>
/// <param name="Type">Reserve: the frame's type.</param>
/// <param name="Sequence">Reserve: its number.</param>
/// <param name="Position">Reserve: the place in the log behind which it stands, or where a resync ends. Acknowledge:
/// what is durable.</param>
/// <param name="Slot">Reserve, Inspect: the blocks.</param>
/// <param name="Extent">ClearDirty: which.</param>
public readonly record struct SendAction(
    SendStep Step, FrameType Type = default, ulong Sequence = 0, ChangePosition Position = default,
        ResyncSlot Slot = default,
    DirtyExtent Extent = default);

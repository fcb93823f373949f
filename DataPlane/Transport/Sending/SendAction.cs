using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>The next step for the shell of a sending session.</summary>
public enum SendStep : byte
{
    /// <summary>Wait until something arrives: a frame, log records, a tick.</summary>
    Wait,

    /// <summary>
    /// Wait as for <see cref="Wait"/>, but check again soon, because the source cannot signal new log records.
    /// </summary>
    Poll,

    /// <summary>Read the log and report with <see cref="SendMachine.LogRead"/>.</summary>
    ReadLog,

    /// <summary>Read the dirty extents, and the tail before and after, and report with
    /// <see cref="SendMachine.DirtyRead"/>.</summary>
    ReadDirty,

    /// <summary>
    /// Find the allocated blocks of an extent and report them with <see cref="SendMachine.Inspected"/>.
    /// </summary>
    Inspect,

    /// <summary>Fill the reserved frame and send it in its order.</summary>
    Reserve,

    /// <summary>Report the durable position to the source.</summary>
    Acknowledge,

    /// <summary>Report to the source that an extent is clean.</summary>
    ClearDirty,

    /// <summary>End the session: everything is durable and the closing frame is reserved.</summary>
    Finished,
}

/// <summary>A step and its arguments.</summary>
/// <param name="Step">The step to run.</param>
/// <param name="Type">Reserve: the frame's type.</param>
/// <param name="Sequence">Reserve: the frame's sequence number.</param>
/// <param name="Position">
/// Reserve: the frame's position in the log, or the end of a resync. Acknowledge: the durable position.
/// </param>
/// <param name="Slot">Reserve, Inspect: the blocks.</param>
/// <param name="Extent">ClearDirty: the extent.</param>
public readonly record struct SendAction(
    SendStep Step, FrameType Type = default, ulong Sequence = 0, ChangePosition Position = default,
        ResyncSlot Slot = default,
    DirtyExtent Extent = default);

using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>A request for a new generation.</summary>
/// <param name="Cause">The cause of the change.</param>
/// <param name="Scope">
/// The extents whose changes the generation's stream does not hold, so that they must be resynchronised.
/// </param>
internal sealed record GenerationChange(DirtyCause Cause, ResyncScope Scope)
{
    /// <summary>A sentence for operators; empty if the cause is sufficient.</summary>
    public string Detail { get; init; } = string.Empty;

    /// <summary>Whether the earlier log is discarded; otherwise it is kept and sent.</summary>
    public bool GivesUpLog { get; init; }

    /// <summary>
    /// The replica that attaches with the generation, so that all of its changes are newer than the replica's; null if
    /// none does.
    /// </summary>
    public ReplicaAttachment? Attachment { get; init; }

    /// <summary>The position above which all changes of the generation are.</summary>
    public ChangePosition Above => Attachment?.Replica.Position ?? default;

    /// <summary>Returns the state with the attachment, which becomes durable with the generation.</summary>
    public VolumeState Attach(VolumeState state) => Attachment switch
    {
        null => state,
        { MovesFloor: false } => state with { Attached = true },
        { Replica: var floor } => state with
        {
            Attached = true, AcknowledgedFloor = floor.Position, FloorMark = floor.Mark,
        },
    };
}

/// <summary>A replica that attaches at a position from which the log cannot continue.</summary>
/// <param name="Replica">The replica's position in its own history.</param>
/// <param name="MovesFloor">
/// Whether its position becomes the acknowledged floor, because this volume's floor is not in its past.
/// </param>
internal sealed record ReplicaAttachment(MarkedPosition Replica, bool MovesFloor);

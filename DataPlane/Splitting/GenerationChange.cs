using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>A new generation that is asked for.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Scope">The extents that its stream will not carry, so that they must be resynchronised.</param>
internal sealed record GenerationChange(DirtyCause Cause, ResyncScope Scope)
{
    /// <summary>One sentence for people; empty when the cause says it all.</summary>
    public string Detail { get; init; } = string.Empty;

    /// <summary>Whether the log before it is given up; else it is kept and shipped.</summary>
    public bool GivesUpLog { get; init; }

    /// <summary>The replica that attaches with it, which makes all of its changes newer than the replica's; null when
    /// none does.</summary>
    public ReplicaAttachment? Attachment { get; init; }

    /// <summary>The position that all changes of the generation are above.</summary>
    public ChangePosition Above => Attachment?.Replica.Position ?? default;

    /// <summary>The state with the attachment, which becomes durable with the generation.</summary>
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

/// <summary>A replica that attaches where the log cannot go on.</summary>
/// <param name="Replica">Where it stands, in its own history.</param>
/// <param name="MovesFloor">Its position becomes the acknowledged floor, because this volume's floor is not in its
/// past.</param>
internal sealed record ReplicaAttachment(MarkedPosition Replica, bool MovesFloor);

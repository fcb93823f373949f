using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Decides whether a replica follows this volume's own history. A position alone proves nothing: a source that was put
/// back to a snapshot gives the same numbers to other changes. So positions are compared with the mark of the change
/// there (RES-1).
/// </summary>
/// <remarks>
/// <b>Locks</b>: called under the generation lock, which guards the proven positions; state file and log lock
/// themselves. Not under the order lock.
/// </remarks>
internal sealed class SharedHistory(VolumeStateFile state, ChangeLog log)
{
    /// <summary>
    /// Where the replica stood when it attached, and when the log was given up: positions that count as this volume's
    /// own past although the log no longer shows them.
    /// </summary>
    private readonly HashSet<MarkedPosition> _proven = [];

    /// <summary>What the volume says of its history when a session opens. Needs no lock.</summary>
    public SourceHistory Statement
    {
        get
        {
            var current = state.Current;
            return new SourceHistory(
                current.Incarnation, new MarkedPosition(current.AcknowledgedFloor, current.FloorMark));
        }
    }

    /// <summary>
    /// Whether the replica's position is one of this volume's own past: it last listened to an opening of this volume,
    /// and the change that it holds there is the one that stands, or stood, in this log under that number.
    /// </summary>
    public bool Contains(ReplicaPosition replica)
    {
        var (current, history) = (state.Current, replica.History);
        var place = new MarkedPosition(replica.Durable, history.Mark);
        return current.Incarnations.Contains(history.Incarnation) && history.Mark.IsKnown
            && (place == new MarkedPosition(current.AcknowledgedFloor, current.FloorMark) || _proven.Contains(place)
                || log.MarkAt(replica.Durable) == history.Mark);
    }

    /// <summary>
    /// The extents that the replica changed after the floor, when its history contains the floor; null when the two
    /// have no past in common that is known. What this side changed after the floor lies in extents stored as Active.
    /// </summary>
    public IReadOnlyList<ExtentRange>? ChangedSinceFloor(ReplicaPosition replica)
    {
        var current = state.Current;
        return current.Attached && current.FloorMark.IsKnown && !replica.Resyncing
            ? replica.History.ChangedSinceFloor : null;
    }

    /// <summary>The replica attached at a position: that alone is proven now.</summary>
    public void Prove(MarkedPosition position)
    {
        _proven.Clear();
        _proven.Add(position);
    }

    /// <summary>Keeps a position proven that the log is about to lose.</summary>
    public void Keep(ChangePosition position) => _proven.Add(new MarkedPosition(position, log.MarkAt(position)));
}

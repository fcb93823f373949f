using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Decides whether a replica follows this volume's own history. A position alone proves nothing: a source that was
/// restored from a snapshot assigns the same numbers to other changes. So positions are compared with the mark of the
/// change there (RES-1).
/// </summary>
/// <remarks>
/// <b>Locks</b>: called under the generation lock, which guards the proven positions; state file and log lock
/// themselves. Not under the order lock.
/// </remarks>
internal sealed class SharedHistory(VolumeStateFile state, ChangeLog log)
{
    /// <summary>
    /// The replica's positions when it attached and when the log was discarded. They count as this volume's own past
    /// although the log no longer holds them.
    /// </summary>
    private readonly HashSet<MarkedPosition> _proven = [];

    /// <summary>The volume's history, to announce when a session opens. Needs no lock.</summary>
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
    /// Returns whether the replica's position is in this volume's own past: its latest sender was an opening of this
    /// volume, and its change at that position is the one that this log has, or had, under that number.
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
    /// Returns the extents that the replica changed after the floor, if its history contains the floor; null if no
    /// common past is known. The extents that this side changed after the floor are stored as Active.
    /// </summary>
    public IReadOnlyList<ExtentRange>? ChangedSinceFloor(ReplicaPosition replica)
    {
        var current = state.Current;
        return current.Attached && current.FloorMark.IsKnown && !replica.Resyncing
            ? replica.History.ChangedSinceFloor : null;
    }

    /// <summary>Marks the position at which the replica attached as the only proven one.</summary>
    public void Prove(MarkedPosition position)
    {
        _proven.Clear();
        _proven.Add(position);
    }

    /// <summary>Keeps a position proven that the log is about to lose.</summary>
    public void Keep(ChangePosition position) => _proven.Add(new MarkedPosition(position, log.MarkAt(position)));
}

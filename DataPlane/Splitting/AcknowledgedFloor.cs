using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Tracks the replica's acknowledgements: clears the Active marks of extents that the replica holds, and stores the
/// acknowledged position, the floor. Every change above the floor still has its mark.
/// </summary>
/// <remarks>
/// <b>Locks</b>: called under the generation lock, which guards the fields; takes the order lock to clear marks. The
/// floor is stored outside the order lock.
/// </remarks>
internal sealed class AcknowledgedFloor(
    TimeProvider time, VolumeStateFile state, WriteOrder order, VolumeDisk[] disks, ReplicationBacklog backlog)
{
    private static readonly TimeSpan RaiseEvery = TimeSpan.FromSeconds(60);
    private long _raised;
    private Lsn _quiet;

    /// <summary>
    /// Clears the Active marks of quiet extents that the replica holds. An extent is quiet if no write touched it since
    /// the last round; a busy one would only be marked again.
    /// </summary>
    public void ClearQuietExtents()
    {
        lock (order.Gate)
        {
            var through = new Lsn(
                Math.Min(_quiet.Value, Math.Min(backlog.Acknowledged.Lsn.Value, order.Completed.Value)));
            if (state.Current.Attached)
            {
                foreach (var disk in disks)
                {
                    disk.Map.ClearQuiet(through);
                }
            }

            _quiet = order.Newest;
        }
    }

    /// <summary>
    /// Stores the floor periodically, so that source and replica find their common history after a power failure or a
    /// return to a snapshot: the replica knows its changes since a recent floor only, and a busy volume may go for long
    /// without lowering marks, which also stores a floor.
    /// </summary>
    /// <exception cref="Storage.StorageException">The state could not be written.</exception>
    public void RaiseWhenDue()
    {
        var current = state.Current;
        if (current.Attached && time.GetElapsedTime(_raised) >= RaiseEvery
            && Acknowledged().CompareTo(current.AcknowledgedFloor) > 0)
        {
            RaiseTo(Next());
        }
    }

    /// <summary>Returns the floor that may be stored now: the replica's position. Outside the order lock.</summary>
    public MarkedPosition Next()
    {
        var acknowledged = Acknowledged();
        return new MarkedPosition(acknowledged, backlog.Log.MarkAt(acknowledged));
    }

    /// <summary>
    /// Stores a floor before marks below it are lowered; a floor below the stored one changes nothing.
    /// </summary>
    /// <exception cref="Storage.StorageException">The state could not be written.</exception>
    public void RaiseTo(MarkedPosition floor)
    {
        if (floor.Position.CompareTo(state.Current.AcknowledgedFloor) > 0)
        {
            _raised = time.GetTimestamp();
            state.Update(s => s with { AcknowledgedFloor = floor.Position, FloorMark = floor.Mark });
        }
    }

    private ChangePosition Acknowledged()
    {
        lock (order.Gate)
        {
            return backlog.Acknowledged;
        }
    }
}

using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Follows what the replica acknowledged: clears the Active marks of extents that it holds, and stores the
/// acknowledged position, the floor, above which every change still has its mark.
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
    /// Clears the Active marks of quiet extents that the replica holds. An extent is quiet when nothing touched it
    /// since the last round: busy ones would only be set again.
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
    /// Stores the floor now and then, so that source and replica find their common past after a power cut or a return
    /// to a snapshot: the replica remembers what it changed since a recent floor, and a busy volume may lower no marks,
    /// which stores one, for long.
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

    /// <summary>The floor that may be stored now: what the replica holds. Outside the order lock.</summary>
    public MarkedPosition Next()
    {
        var acknowledged = Acknowledged();
        return new MarkedPosition(acknowledged, backlog.Log.MarkAt(acknowledged));
    }

    /// <summary>Stores a floor before marks below it are lowered; a lower one than is stored changes nothing.</summary>
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

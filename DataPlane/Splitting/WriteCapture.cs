using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Captures every change before it reaches a disk: in the log, or, while the log cannot go on, as Dirty extents
/// (dirty-map mode, I27). Gives each its place in the order.
/// </summary>
/// <remarks>
/// <para><b>Into dirty-map mode</b>: under the order lock, the mode is stored durably before any write goes unlogged,
/// so an opening after a crash never redoes an old log over writes it did not see. The log that exists stays and is
/// shipped. Unlogged changes have numbers too, so that their completion can be waited for, and their extents are Dirty,
/// durably, before they are written. The way out is a new generation (<see cref="VolumeGenerations"/>).</para>
/// <para><b>Locks</b>: the mode changes under the order lock and may be read without it. Marks are raised outside it,
/// because the map's gate comes before the order lock; so a write looks again once its marks stand.</para>
/// </remarks>
internal sealed class WriteCapture(
    SourceVolumeOptions options, VolumeStateFile state, WriteOrder order, ReplicationBacklog backlog,
    WriteAdmission admission, VolumeSignals signals)
{
    private volatile CaptureMode _mode = state.Current.Mode;

    /// <summary>Whether the log carries the writes.</summary>
    public CaptureMode Mode => _mode;

    /// <summary>
    /// Gives a batch its numbers and its place, in the log or in the dirty map; blocks until it may go to the disk.
    /// </summary>
    /// <exception cref="BlockDeviceException">The guest may not write, or the change map takes no mark.</exception>
    public void Enter(VolumeDisk disk, WriteTicket ticket)
    {
        while (true)
        {
            var mode = _mode;
            var mark = mode == CaptureMode.Logging ? ExtentMark.Active : ExtentMark.Dirty;
            if (mode == CaptureMode.Logging)
            {
                ticket.Encode();
            }

            lock (order.Gate)
            {
                admission.Check();
                if (mode == _mode && disk.Map.AllSet(mark, ticket.Runs)
                    && (mode == CaptureMode.DirtyMap || TryLog(disk, ticket)))
                {
                    disk.CountBatch();
                    order.Enter(ticket, mode == CaptureMode.Logging ? ticket.Records.Count : ticket.Count);
                    disk.Map.Touch(ticket.Runs, ticket.Last);
                    order.WaitForTurn(ticket);
                    return;
                }

                if (mode != _mode)
                {
                    continue;
                }
            }

            Mark(disk, mark, ticket.Runs);
        }
    }

    /// <summary>
    /// Marks what the log has and the disk may not, so that it is compared. The mark is durable before the change
    /// counts as completed, since after a crash nothing would redo it then.
    /// </summary>
    /// <exception cref="BlockDeviceException">The map takes no mark either; the guest may write no more.</exception>
    public void MarkUncertain(VolumeDisk disk, WriteTicket ticket)
    {
        try
        {
            Mark(disk, ExtentMark.Dirty, ticket.Runs);
        }
        catch (BlockDeviceException)
        {
            // Neither disk nor map takes anything. With no later record in the log, an opening redoes this change.
            admission.Break();
            throw;
        }
    }

    /// <summary>Puts a recovery point's marker behind all changes that have their place.</summary>
    public MarkerOutcome InsertMarker(PointMarker marker, DateTimeOffset? time)
    {
        var data = new byte[PointMarker.Size];
        marker.Write(data);
        MarkerOutcome outcome;
        lock (order.Gate)
        {
            outcome = admission.IsFenced
                ? new MarkerOutcome.Refused(
                    MarkerRefusal.Fenced, $"'{options.Vm}' is fenced in term {admission.Term}")
                : TryMark(data, time);
        }

        signals.PublishCondition();
        signals.SignalWork();
        return outcome;
    }

    /// <summary>Goes over to the dirty map, durably. Under the order lock.</summary>
    /// <exception cref="BlockDeviceException">The mode could not be stored, so nothing may go unlogged.</exception>
    public void EnterDirtyMap(DirtyMapReason reason)
    {
        try
        {
            state.Update(s => s with { Mode = CaptureMode.DirtyMap, Cause = reason.Cause, Newest = order.Newest });
        }
        catch (StorageException e)
        {
            throw new BlockDeviceException(
                $"neither log nor state of '{options.Vm}' can be written: {e.Message}",
                BlockDeviceException.InputOutput, e);
        }

        _mode = CaptureMode.DirtyMap;
        backlog.Log.Seal();
        signals.ChangeCondition(
            c => c with { Mode = CaptureMode.DirtyMap, Cause = reason.Cause, Detail = reason.Detail });
    }

    /// <summary>Lets the log carry the writes again, durably, once it bears the start of a generation. Under the order
    /// lock.</summary>
    /// <exception cref="StorageException">The mode could not be stored.</exception>
    public void ResumeLogging()
    {
        if (_mode == CaptureMode.DirtyMap)
        {
            state.Update(s => s with { Mode = CaptureMode.Logging });
            _mode = CaptureMode.Logging;
        }
    }

    private bool TryLog(VolumeDisk disk, WriteTicket ticket)
    {
        if (backlog.TryAppend(disk, ticket, out var reason))
        {
            return true;
        }

        EnterDirtyMap(reason);
        return false;
    }

    private void Mark(VolumeDisk disk, ExtentMark mark, ReadOnlySpan<ExtentRun> runs)
    {
        try
        {
            disk.Map.Raise(mark, runs);
        }
        catch (StorageException e)
        {
            throw new BlockDeviceException(
                $"the change map of '{options.Vm}' cannot be written: {e.Message}",
                BlockDeviceException.InputOutput, e);
        }
    }

    private MarkerOutcome TryMark(byte[] data, DateTimeOffset? time)
    {
        if (_mode == CaptureMode.Logging)
        {
            try
            {
                var stands = backlog.AppendControl(ChangeKind.Marker, data, time);
                return new MarkerOutcome.Inserted(backlog.Tail, stands);
            }
            catch (StorageException e)
            {
                EnterDirtyMap(DirtyMapReason.Of(e));
            }
        }

        return new MarkerOutcome.Refused(
            MarkerRefusal.DirtyMapMode,
            $"the log of '{options.Vm}' does not record its writes now ({state.Current.Cause}); a resync comes first");
    }
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Captures every change before it reaches a disk: in the log, or, while the log cannot continue, as Dirty extents
/// (dirty-map mode, I27). Orders each change.
/// </summary>
/// <remarks>
/// <para><b>Into dirty-map mode</b>: under the order lock, the mode is stored durably before the first unlogged write,
/// so that an opening after a crash never redoes an old log over later writes. The existing log is kept and sent.
/// Unlogged changes have numbers too, so that their completion can be waited for, and their extents are Dirty, durably,
/// before they are written. The way out is a new generation (<see cref="VolumeGenerations"/>).</para>
/// <para><b>Locks</b>: the mode changes under the order lock and may be read without it. Marks are raised outside it,
/// because the map's gate comes before the order lock; so a write checks the mode again after its marks are set.</para>
/// </remarks>
internal sealed class WriteCapture(
    SourceVolumeOptions options, VolumeStateFile state, WriteOrder order, ReplicationBacklog backlog,
    WriteAdmission admission, VolumeSignals signals)
{
    private volatile CaptureMode _mode = state.Current.Mode;

    /// <summary>Whether the log holds the writes.</summary>
    public CaptureMode Mode => _mode;

    /// <summary>
    /// Assigns numbers to a batch and orders it, in the log or in the dirty map; blocks until the batch may go to the
    /// disk.
    /// </summary>
    /// <exception cref="BlockDeviceException">The guest may not write, or the change map cannot be marked.</exception>
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
    /// Marks changes that the log holds and the disk may not, so that they are compared. The mark is durable before the
    /// change counts as completed, because after a crash it would not be redone.
    /// </summary>
    /// <exception cref="BlockDeviceException">
    /// The map cannot be marked either; the guest can no longer write.
    /// </exception>
    public void MarkUncertain(VolumeDisk disk, WriteTicket ticket)
    {
        try
        {
            Mark(disk, ExtentMark.Dirty, ticket.Runs);
        }
        catch (BlockDeviceException)
        {
            // Neither disk nor map accepts the change. With no later record in the log, an opening redoes this change.
            admission.Break();
            throw;
        }
    }

    /// <summary>Inserts a recovery point's marker behind all ordered changes.</summary>
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

    /// <summary>Switches to the dirty map, durably. Under the order lock.</summary>
    /// <exception cref="BlockDeviceException">The mode could not be stored, so no write may be unlogged.</exception>
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

    /// <summary>
    /// Switches back to the log, durably, once the log holds the start of a generation. Under the order lock.
    /// </summary>
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

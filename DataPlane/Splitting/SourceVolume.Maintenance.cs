using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <content>What is done in the background, in the owner's loop.</content>
public sealed partial class SourceVolume
{
    private static readonly TimeSpan RaiseFloorEvery = TimeSpan.FromSeconds(60);
    private readonly Settling?[] _settling;
    private readonly long[] _settled;
    private readonly long[] _timesKept;
    private long _floorRaised;
    private Lsn _quiet;

    /// <summary>
    /// Clears and lowers map bits that are no longer needed, leaves dirty-map mode when the log has room again, and
    /// begins a generation that a failed write asked for. Cheap when there is nothing to do; to be called about once a
    /// second.
    /// </summary>
    /// <exception cref="Storage.StorageException">The maps or the state could not be written; calling again goes
    /// on.</exception>
    public void Maintain()
    {
        lock (_restart)
        {
            if (_closed)
            {
                return;
            }

            DirtyCause? pending;
            lock (_order.Gate)
            {
                pending = _generationPending ? _pendingCause : null;
            }

            if (_mode == CaptureMode.DirtyMap)
            {
                LeaveDirtyMap();
            }
            else if (pending is { } cause)
            {
                Restart(cause, RestartScope.None);
            }

            DropThroughAcknowledged();
            ClearQuietExtents();
            for (var i = 0; i < _maps.Length; i++)
            {
                Settle(i);
            }

            RaiseFloor();
            Beat();
        }

        AnnounceCondition();
        SignalWork();
    }

    /// <summary>
    /// An extent is quiet when nothing touched it since the last round: busy ones would only be set again.
    /// </summary>
    private void ClearQuietExtents()
    {
        lock (_order.Gate)
        {
            var through = new Lsn(Math.Min(_quiet.Value, Math.Min(_acknowledged.Lsn.Value, _order.Completed.Value)));
            if (_state.Current.Attached)
            {
                foreach (var map in _maps)
                {
                    map.ClearQuiet(through);
                }
            }

            _quiet = _order.Newest;
        }
    }

    /// <summary>
    /// Lowers the stored bits of one disk: notes which, lets a sync of the disk pass (the guest's own when one comes in
    /// time), and lowers them. Does not wait when a resync has just ended, since a crash would begin it again.
    /// </summary>
    private void Settle(int disk)
    {
        if (_settling[disk] is not { } settling || IsOutdated(disk, settling))
        {
            settling = Propose(disk);
            _settling[disk] = settling;
            if (settling is null)
            {
                return;
            }
        }

        if (!_flushes[disk].SucceededAfter(settling.FlushesBegun))
        {
            var isDue = settling.EndsResync || _options.Time.GetElapsedTime(settling.Since) >= _options.SettleInterval;
            if (!isDue || _flushes[disk].Poison is not null)
            {
                return;
            }

            try
            {
                Flush(disk);
            }
            catch (BlockDeviceException)
            {
                // The condition says so, and every later FLUSH of the guest; the bits stay.
                return;
            }
        }

        if (KeepTime(disk, isUrgent: settling.EndsResync))
        {
            Lower(disk, settling);
        }
    }

    /// <summary>
    /// Brings a disk's change time to its medium and notes it durably, before marks are lowered that a disk which is
    /// put back to an earlier moment would be found by.
    /// </summary>
    /// <returns>False when that is to be done later.</returns>
    private bool KeepTime(int disk, bool isUrgent)
    {
        if (_options.Disks[disk].Look?.Invoke()?.Changed is not { } changed)
        {
            return true;
        }

        if (_settled[disk] == changed.UtcTicks)
        {
            return true;
        }

        if (!isUrgent && _options.Time.GetElapsedTime(_timesKept[disk]) < HeartbeatFile.Every)
        {
            return false;
        }

        try
        {
            FlushTimes(disk);
        }
        catch (BlockDeviceException)
        {
            // The condition says so; the bits stay.
            return false;
        }

        var before = _settled[disk];
        (_settled[disk], _timesKept[disk]) = (changed.UtcTicks, _options.Time.GetTimestamp());
        if (Beat(durably: true))
        {
            return true;
        }

        _settled[disk] = before;
        return false;
    }

    private Settling? Propose(int disk)
    {
        if (_maps[disk].Propose(_newest) is not { } proposal)
        {
            return null;
        }

        Settling settling;
        lock (_order.Gate)
        {
            settling = new Settling(
                proposal, _generationStart.Generation, _flushes[disk].Begun, _options.Time.GetTimestamp(),
                _acknowledged, default, _maps[disk][ExtentMark.Dirty].Any);
        }

        return settling with { FloorMark = _log.MarkAt(settling.Floor) };
    }

    /// <summary>
    /// Stores how far the replica is, so that the two can find their common past after a power cut or a return to a
    /// snapshot: the replica remembers what it changed since a recent floor, and a busy volume may lower no bits, which
    /// stores one, for long.
    /// </summary>
    private void RaiseFloor()
    {
        ChangePosition acknowledged;
        lock (_order.Gate)
        {
            acknowledged = _acknowledged;
        }

        if (_state.Current.Attached && acknowledged.CompareTo(_state.Current.AcknowledgedFloor) > 0
            && _options.Time.GetElapsedTime(_floorRaised) >= RaiseFloorEvery)
        {
            StoreFloor(acknowledged, _log.MarkAt(acknowledged));
        }
    }

    private void StoreFloor(ChangePosition floor, HistoryMark mark)
    {
        _floorRaised = _options.Time.GetTimestamp();
        _state.Update(s => s with { AcknowledgedFloor = floor, FloorMark = mark });
    }

    /// <summary>
    /// Lowers after the sync. The floor is stored first: a replica that is less far when it attaches again than it was
    /// when the bits became needless gets everything again.
    /// </summary>
    private void Lower(int disk, Settling settling)
    {
        if (settling.Floor.CompareTo(_state.Current.AcknowledgedFloor) > 0)
        {
            StoreFloor(settling.Floor, settling.FloorMark);
        }

        _maps[disk].Lower(settling.Proposal);
        _settling[disk] = null;
    }

    /// <summary>Marks came anew, or the resync ended after the proposal was made.</summary>
    private bool IsOutdated(int disk, Settling settling)
    {
        lock (_order.Gate)
        {
            return settling.Generation != _generationStart.Generation
                || (settling.WasDirty && !_maps[disk][ExtentMark.Dirty].Any);
        }
    }

    private sealed record Settling(
        LoweringProposal Proposal, Generation Generation, long FlushesBegun, long Since, ChangePosition Floor,
        HistoryMark FloorMark, bool WasDirty)
    {
        public bool EndsResync => !WasDirty && Proposal.Dirty.Length > 0;
    }
}

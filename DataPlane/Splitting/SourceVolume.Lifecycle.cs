using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Splitting;

/// <content>What the control plane asks for: points, resyncs, quiescing, fencing, growing.</content>
public sealed partial class SourceVolume
{
    /// <summary>
    /// Puts a recovery point's marker behind all changes accepted so far. Every write that was answered before the call
    /// is before it (I1).
    /// </summary>
    /// <param name="point">The point's id.</param>
    /// <param name="consistency">How consistent it is.</param>
    /// <param name="time">
    /// The time that the point shows, by the clock of whoever asks; null means this machine's clock now. It must not be
    /// later than the call, or the point would promise writes that it lacks (I21).
    /// </param>
    public MarkerOutcome InsertMarker(
        RecoveryPointId point, PointKind consistency, DateTimeOffset? time = null)
    {
        var data = new byte[PointMarker.Size];
        new PointMarker(point, consistency).Write(data);
        MarkerOutcome outcome;
        lock (_order.Gate)
        {
            outcome = _fenced
                ? new MarkerOutcome.Refused(MarkerRefusal.Fenced, $"'{_options.Vm}' is fenced in term {Term}")
                : TryMark(data, time);
        }

        AnnounceCondition();
        SignalWork();
        return outcome;
    }

    /// <summary>Makes the replica resync all of every disk (RES-6), keeping the log that is not shipped yet.</summary>
    /// <exception cref="StorageException">The maps or the state could not be written; calling again goes
    /// on.</exception>
    public void MarkAllDirty(DirtyCause cause) => Restart(cause, RestartScope.All);

    /// <summary>
    /// Refuses further writes (ESHUTDOWN), waits for those under way, syncs the disks and returns the newest logged
    /// change. In dirty-map mode, or with dirty extents, the log alone does not bring the replica there: see
    /// <see cref="Counters"/>. Not durable: a volume that must stay quiet over a restart is fenced.
    /// </summary>
    /// <exception cref="BlockDeviceException">A disk failed to sync; the volume stays quiet.</exception>
    public ChangePosition Quiesce()
    {
        lock (_order.Gate)
        {
            _quiesced = true;
            _order.WaitForCompletion(_order.Newest);
        }

        for (var i = 0; i < _disks.Length; i++)
        {
            Flush(i);
        }

        return Tail;
    }

    /// <summary>Takes writes again after <see cref="Quiesce"/>.</summary>
    public void Resume()
    {
        lock (_order.Gate)
        {
            _quiesced = false;
        }
    }

    /// <summary>
    /// Refuses writes with EPERM from now on, also after a restart (FOV-8, I15, I16). Log and maps stay, so that the
    /// tail that was not replicated can be reported. On return no write is under way and the fence is durable.
    /// </summary>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void Fence(Term term)
    {
        CheckTerm(term);
        Lsn completed;
        lock (_order.Gate)
        {
            _fenced = true;
            _order.WaitForCompletion(_order.Newest);
            completed = _order.Newest;
        }

        // While fenced the disks may be written from below; nothing of this log is to be redone over that.
        _state.Update(s => s with { Fenced = true, Term = term, Completed = completed });
        SetCondition(c => c with { Fenced = true });
        AnnounceCondition();
    }

    /// <summary>Takes writes again, under a term.</summary>
    /// <param name="term">At least the volume's.</param>
    /// <param name="disksUnchanged"> Nobody wrote to the disks while they were fenced. Otherwise (failback wrote them)
    /// the log is dropped and all is to be compared.
    /// </param>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void Unfence(Term term, bool disksUnchanged)
    {
        CheckTerm(term);
        if (!disksUnchanged)
        {
            Restart(DirtyCause.FailedBack, RestartScope.All, dropLog: true);
        }

        _state.Update(s => s with { Fenced = false, Term = term });
        lock (_order.Gate)
        {
            _fenced = false;
        }

        SetCondition(c => c with { Fenced = false });
        AnnounceCondition();
    }

    /// <summary>Goes on under a higher term (after a cancelled failover, say), durably.</summary>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void SetTerm(Term term)
    {
        CheckTerm(term);
        _state.Update(s => s with { Term = term });
    }

    /// <summary>
    /// Takes a grown disk (RES-3). The device given takes the place of the old one, which the caller disposes with the
    /// volume. What is new is dirty, so a resync of it follows under a new generation.
    /// </summary>
    /// <exception cref="SourceVolumeException">The device is smaller than the disk.</exception>
    /// <exception cref="BlockDeviceException">The disk failed to sync.</exception>
    /// <exception cref="StorageException">The map could not be grown; the disk is as before.</exception>
    public void Resize(int disk, IBlockDevice device)
    {
        var (before, size) = (SizeOf(disk), device.Length);
        if (size < before)
        {
            throw new SourceVolumeException(
                SourceVolumeError.ShrinkRefused,
                $"'{_options.Disks[disk].Path}' would shrink from {before} to {size} bytes; it may only grow");
        }

        lock (_restart)
        {
            _maps[disk].Grow(size);
            lock (_order.Gate)
            {
                _order.WaitForCompletion(_order.Newest);
                Flush(disk);
                _state.Update(s => s with { Disks = s.Disks.SetItem(disk, s.Disks[disk] with { SizeBytes = size }) });
                Volatile.Write(ref _devices[disk], device);
                Volatile.Write(ref _sizes[disk], size);
            }

            if (size > before)
            {
                Restart(DirtyCause.Resized, RestartScope.From(disk, (int)(before / DirtyExtent.Size)));
            }
        }
    }

    private MarkerOutcome TryMark(byte[] data, DateTimeOffset? time)
    {
        if (_mode == CaptureMode.Logging)
        {
            try
            {
                var stands = AppendControl(ChangeKind.Marker, data, time);
                return new MarkerOutcome.Inserted(_tail, stands);
            }
            catch (StorageException e)
            {
                EnterDirtyMap(CauseOf(e), e.Message);
            }
        }

        return new MarkerOutcome.Refused(
            MarkerRefusal.DirtyMapMode,
            $"the log of '{_options.Vm}' does not carry its writes now ({_state.Current.Cause}); a resync comes first");
    }

    private void CheckTerm(Term term)
    {
        if (term.CompareTo(Term) < 0)
        {
            throw new SourceVolumeException(
                SourceVolumeError.StaleTerm, $"term {term} is smaller than the term {Term} of '{_options.Vm}'");
        }
    }
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Lowers the stored marks of change maps that are no longer needed: proposes marks, waits for a sync of the disk (the
/// guest's own if one comes in time), and lowers them.
/// </summary>
/// <remarks>
/// <b>Locks</b>: called under the generation lock, which guards the fields. Takes a map's gate and the order lock to
/// propose, and no lock while a disk syncs.
/// </remarks>
internal sealed class MapSettling
{
    private readonly SourceVolumeOptions _options;
    private readonly VolumeDisk[] _disks;
    private readonly VolumeGenerations _generations;
    private readonly DiskFlushes _flushes;
    private readonly DiskObservations _observations;
    private readonly AcknowledgedFloor _floor;
    private readonly Proposed?[] _proposed;
    private readonly long[] _timesKept;

    /// <summary>Starts without a proposal.</summary>
    public MapSettling(
        SourceVolumeOptions options, VolumeDisk[] disks, VolumeGenerations generations, DiskFlushes flushes,
        DiskObservations observations, AcknowledgedFloor floor)
    {
        (_options, _disks, _generations) = (options, disks, generations);
        (_flushes, _observations, _floor) = (flushes, observations, floor);
        _proposed = new Proposed?[disks.Length];
        _timesKept = new long[disks.Length];
    }

    /// <summary>
    /// Advances each disk by one step. Does not wait for the guest's sync if a resync has just ended, because a crash
    /// would start it again.
    /// </summary>
    /// <exception cref="Storage.StorageException">A map or the state could not be written.</exception>
    public void Advance()
    {
        foreach (var disk in _disks)
        {
            Advance(disk);
        }
    }

    /// <summary>Proposes the marks that may be lowered after a sync of all disks that starts from now on.</summary>
    public void ProposeAll()
    {
        foreach (var disk in _disks)
        {
            _proposed[disk.Index] = Propose(disk);
        }
    }

    /// <summary>Lowers the proposed marks, after that sync, and makes the maps durable.</summary>
    /// <exception cref="Storage.StorageException">A map or the state could not be written.</exception>
    public void LowerAll()
    {
        foreach (var disk in _disks)
        {
            if (_proposed[disk.Index] is { } proposed)
            {
                Lower(disk, proposed);
            }

            disk.Map.Sync();
        }
    }

    private void Advance(VolumeDisk disk)
    {
        if (_proposed[disk.Index] is not { } proposed || IsOutdated(disk, proposed))
        {
            _proposed[disk.Index] = Propose(disk);
            if (_proposed[disk.Index] is not { } fresh)
            {
                return;
            }

            proposed = fresh;
        }

        if (IsSynced(disk, proposed) && KeepTime(disk, isUrgent: proposed.EndsResync))
        {
            Lower(disk, proposed);
        }
    }

    private bool IsSynced(VolumeDisk disk, Proposed proposed)
    {
        if (disk.Flushes.SucceededAfter(proposed.FlushesBegun))
        {
            return true;
        }

        var isDue = proposed.EndsResync || _options.Time.GetElapsedTime(proposed.Since) >= _options.SettleInterval;
        if (!isDue || disk.Flushes.Poison is not null)
        {
            return false;
        }

        try
        {
            _flushes.Flush(disk);
            return true;
        }
        catch (BlockDeviceException)
        {
            // The condition reports the failure, and so does every later FLUSH of the guest; the marks are kept.
            return false;
        }
    }

    /// <summary>
    /// Syncs a disk's change time to its medium and records it durably, before marks are lowered that reveal a disk
    /// restored to an earlier moment.
    /// </summary>
    /// <returns>False if this must be done later.</returns>
    private bool KeepTime(VolumeDisk disk, bool isUrgent)
    {
        if (_observations.UnsettledTime(disk) is not { } changed)
        {
            return true;
        }

        if (!isUrgent && _options.Time.GetElapsedTime(_timesKept[disk.Index]) < HeartbeatFile.Every)
        {
            return false;
        }

        try
        {
            _flushes.FlushTimes(disk);
        }
        catch (BlockDeviceException)
        {
            // The condition reports the failure; the marks are kept.
            return false;
        }

        _timesKept[disk.Index] = _options.Time.GetTimestamp();
        return _observations.Settle(disk, changed);
    }

    private Proposed? Propose(VolumeDisk disk)
    {
        if (disk.Map.Propose() is not { } lowering)
        {
            return null;
        }

        var (generation, isDirty) = _generations.ResyncOf(disk);
        return new Proposed(
            lowering, generation, disk.Flushes.Begun, _options.Time.GetTimestamp(), _floor.Next(), isDirty);
    }

    /// <summary>
    /// Lowers marks after the sync. The floor is stored first: a replica that attaches at an earlier position than the
    /// one at which the marks became unnecessary gets everything again.
    /// </summary>
    private void Lower(VolumeDisk disk, Proposed proposed)
    {
        _floor.RaiseTo(proposed.Floor);
        disk.Map.Lower(proposed.Lowering);
        _proposed[disk.Index] = null;
    }

    /// <summary>Returns whether marks were set again, or the resync ended after the proposal was made.</summary>
    private bool IsOutdated(VolumeDisk disk, Proposed proposed)
    {
        var (generation, isDirty) = _generations.ResyncOf(disk);
        return proposed.Generation != generation || (proposed.WasDirty && !isDirty);
    }

    private sealed record Proposed(
        LoweringProposal Lowering, Generation Generation, long FlushesBegun, long Since, MarkedPosition Floor,
        bool WasDirty)
    {
        /// <summary>Whether the proposal lowers the marks of a resync that has ended.</summary>
        public bool EndsResync => !WasDirty && Lowering.Dirty.Length > 0;
    }
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Observes the disks while the volume is open: records when they last changed, for an opening after a crash
/// (<see cref="DiskContinuity"/>), and detects changes by other programs: the change time moved, and no write was
/// ordered meanwhile (A5).
/// </summary>
/// <remarks>
/// <b>Locks</b>: the generation lock guards <c>_settled</c>; the caller of <see cref="Beat"/> holds it. The newest
/// observation of each disk is replaced atomically, without a lock, because the guest's writes record one too. The
/// disks are observed under no other lock; the heartbeat file locks itself.
/// </remarks>
internal sealed class DiskObservations
{
    /// <summary>
    /// The number of disks above which an observation after each write that leaves none in progress would cost too
    /// much.
    /// </summary>
    private const int MostLookedAt = 64;

    private readonly TimeProvider _time;
    private readonly VolumeDisk[] _disks;
    private readonly WriteOrder _order;
    private readonly WriteAdmission _admission;
    private readonly VolumeGenerations _generations;
    private readonly HeartbeatFile _heartbeat;
    private readonly QuietLook?[] _looks;
    private readonly bool _looksWhenQuiet;
    private readonly long[] _settled;

    /// <summary>Makes the first observation of the disks.</summary>
    public DiskObservations(
        TimeProvider time, SourceVolumeParts parts, VolumeDisk[] disks, WriteAdmission admission,
        VolumeGenerations generations)
    {
        (_time, _disks, _admission, _generations) = (time, disks, admission, generations);
        (_order, _heartbeat) = (parts.Order, parts.Heartbeat);
        _looksWhenQuiet = disks.Length <= MostLookedAt && disks.All(d => d is { TimesAreItsOwn: true, HasLook: true });
        _looks = [.. disks.Select(d => d.Look() is { } seen ? new QuietLook(0, seen) : null)];
        _settled = _heartbeat.Newest is { } beat ? [.. beat.Settled] : new long[disks.Length];
    }

    /// <summary>
    /// Observes all disks and records the result; starts a comparison of a disk that another program changed. Under the
    /// generation lock.
    /// </summary>
    /// <returns>False if the result could not be recorded, or a comparison was started.</returns>
    public bool Beat(bool durably = false)
    {
        if (!_disks.Any(d => d.HasLook))
        {
            return true;
        }

        var (seen, now, batches) = Observe();
        if (now is null)
        {
            return false;
        }

        var foreign = CompareForeign(seen, now.IsIdle, batches);
        try
        {
            _heartbeat.Write(now, durably);
            return !foreign;
        }
        catch (StorageException)
        {
            // The directory is full: an opening after a crash compares more than necessary. The volume's owner watches
            // the directory.
            return false;
        }
    }

    /// <summary>
    /// Observes the disks directly after the write that leaves none in progress, and records the result: a change from
    /// then on, until the next write is ordered, does not come from the guest, whether the process lives or not.
    /// </summary>
    public void NoteQuiet()
    {
        if (!_looksWhenQuiet)
        {
            return;
        }

        Lsn newest;
        Span<long> batches = stackalloc long[_disks.Length];
        lock (_order.Gate)
        {
            if (_order.Completed != _order.Newest)
            {
                return;
            }

            newest = _order.Newest;
            for (var i = 0; i < batches.Length; i++)
            {
                batches[i] = _disks[i].Batches;
            }
        }

        try
        {
            Span<long> changed = stackalloc long[batches.Length];
            for (var i = 0; i < batches.Length; i++)
            {
                var look = Volatile.Read(ref _looks[i]);
                if (look?.Batches != batches[i] && _disks[i].Look() is { } seen)
                {
                    look = new QuietLook(batches[i], seen);
                    Volatile.Write(ref _looks[i], look);
                }

                changed[i] = look?.Seen.Changed?.UtcTicks ?? 0;
            }

            _heartbeat.NoteQuiet(_time.GetUtcNow(), newest, changed);
        }
        catch (Exception e) when (e is StorageException or ObjectDisposedException)
        {
            // The next beat observes again, unless the volume was closed meanwhile; the volume's owner watches disks
            // and directory.
            return;
        }
    }

    /// <summary>
    /// Returns the change time of a disk, in UTC ticks, that is not recorded as settled yet; null if it is recorded, or
    /// the disk has none. Under the generation lock.
    /// </summary>
    public long? UnsettledTime(VolumeDisk disk) =>
        disk.Look()?.Changed is { } changed && _settled[disk.Index] != changed.UtcTicks ? changed.UtcTicks : null;

    /// <summary>
    /// Records durably that the medium has a disk's change time, after a sync with times. Under the generation lock.
    /// </summary>
    /// <returns>False if it could not be recorded, or a comparison was started.</returns>
    public bool Settle(VolumeDisk disk, long changed)
    {
        var before = _settled[disk.Index];
        _settled[disk.Index] = changed;
        if (Beat(durably: true))
        {
            return true;
        }

        _settled[disk.Index] = before;
        return false;
    }

    private (DiskObservation?[] Seen, Heartbeat? Now, long[] Batches) Observe()
    {
        var (before, idle, _) = Quietness();
        DiskObservation?[] seen;
        try
        {
            seen = [.. _disks.Select(d => d.Look())];
        }
        catch (StorageException)
        {
            // A disk cannot be observed now. The volume's owner watches the disks.
            return ([], null, []);
        }

        var (after, stillIdle, batches) = Quietness();
        return (seen, new Heartbeat(
            _time.GetUtcNow(), after, idle && stillIdle && before == after,
            [.. seen.Select(s => s?.Changed?.UtcTicks ?? 0)], [.. _settled]), batches);
    }

    // The owner handles a disk that has another size; a disk that may not be written needs no comparison yet.
    private bool CompareForeign(DiskObservation?[] seen, bool isIdle, long[] batches)
    {
        var isForeign = false;
        for (var i = 0; i < seen.Length; i++)
        {
            var (disk, before, now) = (_disks[i], Volatile.Read(ref _looks[i]), seen[i]);
            if (before is not null && now is not null && isIdle && batches[i] == before.Batches
                && !_admission.IsSuspended && disk.TimesAreItsOwn && IsRewritten(before.Seen, now)
                && now.SizeBytes == disk.Size && now.SizeBytes == before.Seen.SizeBytes)
            {
                isForeign = true;
                _generations.Begin(new GenerationChange(DirtyCause.ChangedOutside, ResyncScope.From(i, 0))
                {
                    Detail = $"'{disk.Path}' was changed by another program while it was served; all of it is compared",
                });
            }

            // Unless a write has ended since and was followed by an observation.
            var look = isIdle && now is { Changed: not null } ? new QuietLook(batches[i], now) : null;
            Interlocked.CompareExchange(ref _looks[i], look, before);
        }

        return isForeign;
    }

    // A change of name or rights moves the change time too, but not the time of the last write.
    private static bool IsRewritten(DiskObservation before, DiskObservation now) =>
        before.Changed != now.Changed && (before.Written is null || before.Written != now.Written);

    private (Lsn Newest, bool IsIdle, long[] Batches) Quietness()
    {
        lock (_order.Gate)
        {
            return (_order.Newest, _order.Completed == _order.Newest, [.. _disks.Select(d => d.Batches)]);
        }
    }

    /// <summary>An observation of a disk while no write was in progress.</summary>
    /// <param name="Batches">The number of batches ordered at that time.</param>
    /// <param name="Seen">The observation of the disk.</param>
    private sealed record QuietLook(long Batches, DiskObservation Seen);
}

using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Looks at the disks while the volume is open: notes when they changed last, for an opening after a crash
/// (<see cref="DiskContinuity"/>), and notices when somebody else changed one: its change time moved, and no write was
/// given its place meanwhile (A5).
/// </summary>
/// <remarks>
/// <b>Locks</b>: the generation lock guards <c>_settled</c>, and whoever calls <see cref="Beat"/> holds it. The newest
/// look at each disk is exchanged whole, without a lock, as the guest's writes note one too. The disks are looked at
/// under no other lock; the heartbeat file locks itself.
/// </remarks>
internal sealed class DiskObservations
{
    /// <summary>With more disks, a look behind each write that leaves none under way would cost too much.</summary>
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

    /// <summary>Takes a first look at the disks.</summary>
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
    /// Looks at all disks and notes how they are; begins a comparison of a disk that somebody else changed. Under the
    /// generation lock.
    /// </summary>
    /// <returns>False when it could not be noted, or a comparison was begun.</returns>
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
            // A full directory: an opening after a crash compares more than it would have to. Who owns the volume
            // watches the directory.
            return false;
        }
    }

    /// <summary>
    /// Looks at the disks right behind the write after which none is under way, and notes how they are: what changes
    /// them from here on, until the next write has its place, is not the guest, whether the process lives or not.
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
            // The beat looks again, unless the volume was closed meanwhile; who owns it watches disks and directory.
            return;
        }
    }

    /// <summary>
    /// The change time of a disk, in UTC ticks, that is not noted as settled yet; null when it is, or when the disk has
    /// none. Under the generation lock.
    /// </summary>
    public long? UnsettledTime(VolumeDisk disk) =>
        disk.Look()?.Changed is { } changed && _settled[disk.Index] != changed.UtcTicks ? changed.UtcTicks : null;

    /// <summary>
    /// Notes durably that the medium has a disk's change time, after a sync with times. Under the generation lock.
    /// </summary>
    /// <returns>False when it could not be noted, or a comparison was begun.</returns>
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
            // A disk that cannot be looked at now. Who owns the volume watches the disks.
            return ([], null, []);
        }

        var (after, stillIdle, batches) = Quietness();
        return (seen, new Heartbeat(
            _time.GetUtcNow(), after, idle && stillIdle && before == after,
            [.. seen.Select(s => s?.Changed?.UtcTicks ?? 0)], [.. _settled]), batches);
    }

    // A disk that has another size is for its owner to take up; one that nobody may write needs no comparison yet.
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

            // Unless a write has ended since, and was looked behind.
            var look = isIdle && now is { Changed: not null } ? new QuietLook(batches[i], now) : null;
            Interlocked.CompareExchange(ref _looks[i], look, before);
        }

        return isForeign;
    }

    // A new name, or other rights, move the change time too, and leave the time of the last write.
    private static bool IsRewritten(DiskObservation before, DiskObservation now) =>
        before.Changed != now.Changed && (before.Written is null || before.Written != now.Written);

    private (Lsn Newest, bool IsIdle, long[] Batches) Quietness()
    {
        lock (_order.Gate)
        {
            return (_order.Newest, _order.Completed == _order.Newest, [.. _disks.Select(d => d.Batches)]);
        }
    }

    /// <summary>A disk as it was when no write was under way.</summary>
    /// <param name="Batches">How many batches had their place then.</param>
    /// <param name="Seen">The disk.</param>
    private sealed record QuietLook(long Batches, DiskObservation Seen);
}

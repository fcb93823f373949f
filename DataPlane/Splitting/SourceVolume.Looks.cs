using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <content>What the disks are seen to be while the volume is open.</content>
public sealed partial class SourceVolume
{
    private const int MostLookedAt = 64;
    private readonly QuietLook?[] _looks;
    private readonly bool _looksWhenQuiet;
    private readonly long[] _entered;

    /// <summary>
    /// Notes when the disks changed last, for an opening after a crash (<see cref="DiskContinuity"/>), and whether
    /// somebody else changed one: its change time moved, and no write was given its place meanwhile (A5).
    /// </summary>
    /// <returns>False when it could not be noted, or a comparison was begun.</returns>
    private bool Beat(bool durably = false)
    {
        if (_options.Disks.All(d => d.Look is null))
        {
            return true;
        }

        var (seen, now, entered) = Observe();
        if (now is null)
        {
            return false;
        }

        var foreign = MarkForeign(seen, now.IsIdle, entered);
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

    private (DiskSighting?[] Seen, Heartbeat? Now, long[] Entered) Observe()
    {
        var (before, idle, _) = Quietness();
        DiskSighting?[] seen;
        try
        {
            seen = [.. _options.Disks.Select(d => d.Look?.Invoke())];
        }
        catch (StorageException)
        {
            // A disk that cannot be looked at now. Who owns the volume watches the disks.
            return ([], null, []);
        }

        var (after, stillIdle, entered) = Quietness();
        return (seen, new Heartbeat(
            _options.Time.GetUtcNow(), after, idle && stillIdle && before == after,
            [.. seen.Select(s => s?.Changed?.UtcTicks ?? 0)], [.. _settled]), entered);
    }

    // A disk that has another size is for its owner to take up; one that nobody may write needs no comparison yet.
    private bool MarkForeign(DiskSighting?[] seen, bool isIdle, long[] entered)
    {
        var isForeign = false;
        for (var i = 0; i < seen.Length; i++)
        {
            var (before, now) = (Volatile.Read(ref _looks[i]), seen[i]);
            if (before is not null && now is not null && isIdle && entered[i] == before.Entered
                && !_fenced && !_quiesced && _options.Disks[i].TimesAreItsOwn
                && IsRewritten(before.Seen, now) && now.SizeBytes == _sizes[i]
                && now.SizeBytes == before.Seen.SizeBytes)
            {
                isForeign = true;
                Restart(DirtyCause.ChangedOutside, RestartScope.From(i, 0));
                SetCondition(c => c with
                {
                    Cause = DirtyCause.ChangedOutside,
                    Detail = $"'{_options.Disks[i].Path}' was changed by somebody else while it was served; all of it "
                        + "is compared",
                });
            }

            // Unless a write has ended since, and was looked behind.
            var look = isIdle && now is { Changed: not null } ? new QuietLook(entered[i], now) : null;
            Interlocked.CompareExchange(ref _looks[i], look, before);
        }

        return isForeign;
    }

    // A new name, or other rights, move the change time too, and leave the time of the last write.
    private static bool IsRewritten(DiskSighting before, DiskSighting now) =>
        before.Changed != now.Changed && (before.Written is null || before.Written != now.Written);

    /// <summary>
    /// Looks at the disks right behind the write after which none is under way, and notes how they are: what changes
    /// them from here on, until the next write has its place, is not the guest, whether the process lives or not.
    /// </summary>
    private void LookWhenQuiet()
    {
        if (!_looksWhenQuiet)
        {
            return;
        }

        Lsn newest;
        Span<long> entered = stackalloc long[_entered.Length];
        lock (_order.Gate)
        {
            if (_order.Completed != _order.Newest)
            {
                return;
            }

            newest = _order.Newest;
            _entered.CopyTo(entered);
        }

        try
        {
            Span<long> changed = stackalloc long[entered.Length];
            for (var i = 0; i < entered.Length; i++)
            {
                var look = Volatile.Read(ref _looks[i]);
                if (look?.Entered != entered[i] && _options.Disks[i] is { TimesAreItsOwn: true, Look: { } now }
                    && now() is { } seen)
                {
                    look = new QuietLook(entered[i], seen);
                    Volatile.Write(ref _looks[i], look);
                }

                changed[i] = look?.Seen.Changed?.UtcTicks ?? 0;
            }

            _heartbeat.NoteQuiet(_options.Time.GetUtcNow(), newest, changed);
        }
        catch (Exception e) when (e is StorageException or ObjectDisposedException)
        {
            // The beat looks again, unless the volume was closed meanwhile; who owns it watches disks and directory.
            return;
        }
    }

    private (Lsn Newest, bool IsIdle, long[] Entered) Quietness()
    {
        lock (_order.Gate)
        {
            return (_order.Newest, _order.Completed == _order.Newest, [.. _entered]);
        }
    }

    /// <summary>A disk as it was when no write was under way.</summary>
    /// <param name="Entered">How many batches had their place then.</param>
    /// <param name="Seen">The disk.</param>
    private sealed record QuietLook(long Entered, DiskSighting Seen);
}

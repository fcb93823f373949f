using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <content>What the disks are seen to be while the volume is open.</content>
public sealed partial class SourceVolume
{
    private readonly QuietLook?[] _looks;
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
                && IsRewritten(before.Seen, now) && now.SizeBytes == _sizes[i])
            {
                isForeign = true;
                Restart(SourceCause.ChangedOutside, RestartScope.From(i, 0));
                SetCondition(c => c with
                {
                    Cause = SourceCause.ChangedOutside,
                    Detail = $"'{_options.Disks[i].Path}' was changed by somebody else while it was served; all of it "
                        + "is compared",
                });
            }

            Volatile.Write(
                ref _looks[i], isIdle && now is { Changed: not null } ? new QuietLook(entered[i], now) : null);
        }

        return isForeign;
    }

    // A new name, or other rights, move the change time too, and leave the time of the last write.
    private static bool IsRewritten(DiskSighting before, DiskSighting now) =>
        before.Changed != now.Changed && (before.Written is null || before.Written != now.Written);

    /// <summary>
    /// Looks at a disk right behind the write after which none is under way: what changes it from here on, until the
    /// next write has its place, is not the guest.
    /// </summary>
    private void LookWhenQuiet(int disk)
    {
        // A block device has no times, and those of a remote file system move when it pleases.
        if (!_options.Disks[disk].TimesAreItsOwn || _options.Disks[disk].Look is not { } look)
        {
            return;
        }

        long entered;
        lock (_order.Gate)
        {
            if (_order.Completed != _order.Newest)
            {
                return;
            }

            entered = _entered[disk];
        }

        try
        {
            Volatile.Write(ref _looks[disk], look() is { } seen ? new QuietLook(entered, seen) : null);
        }
        catch (StorageException)
        {
            // The beat looks again; who owns the volume watches the disks.
            Volatile.Write(ref _looks[disk], null);
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

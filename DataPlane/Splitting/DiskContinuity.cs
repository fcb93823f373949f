using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Judges at an opening whether a disk is still the one that the volume's log and maps speak of.</summary>
/// <remarks>
/// <para><b>Which disk.</b> The path leads to the same inode (or device) with the same time of birth. After a boot a
/// file system may have another device number, so only inode and birth count then.</para>
/// <para><b>Untouched after a clean close.</b> The change time is what it was when the disk was closed. It moves with
/// every write and nobody can set it, and a mere change of name or rights moves it too: that costs a comparison.</para>
/// <para><b>Untouched after the death of the process.</b> Nobody could note the last change time, so it must be
/// explained: by the newest heartbeat, when the volume was idle then and logged nothing since; else by a record of the
/// log, behind which the write to the disk follows at once. It cannot be older than the heartbeat's, or than a write
/// that is known to be completed: such a disk was put back, with its file system. What the log says is completed must
/// stand on the disk too (<see cref="LogAgreement"/>), which catches a disk that was overwritten in the same
/// instant.</para>
/// <para><b>Untouched after a boot.</b> The log may have lost its end, so only time can tell: nothing changed the disk
/// after this boot began, nor later after the newest heartbeat than the next one would have reached the medium. A
/// change time older than the settled one means a disk that was put back to before a write whose active mark is gone;
/// one that was put back to a later moment is compared where the marks are.</para>
/// <para><b>A block device</b> has no times, and it can be written through a mount, device-mapper or another node: it
/// is never proven untouched, and is compared after every stop.</para>
/// A false alarm costs a comparison of hashes; a missed one would be silent divergence. So doubt counts as a change.
/// </remarks>
internal static class DiskContinuity
{
    /// <summary>From a record's time to the disk's change time, when a write follows its record at once.</summary>
    private static readonly TimeSpan WriteFollowsRecord = TimeSpan.FromMilliseconds(250);

    /// <summary>How old the newest heartbeat on the medium may be at a power cut: one may have been on its way, and
    /// late.</summary>
    private static readonly TimeSpan BeatsWithin = 2 * HeartbeatFile.Every;

    /// <summary>Why a disk must be compared, as one sentence; null when it is as the volume left it.</summary>
    public static string? Doubt(
        SourceVolumeOptions options, VolumeState before, Heartbeat? heartbeat, LogScan scan, int disk)
    {
        var (path, known) = (options.Disks[disk].Path, before.Disks[disk].Seen);
        if (known is null || options.Disks[disk].Look?.Invoke() is not { } now)
        {
            return null;
        }

        var isSameBoot = before.BootId == options.BootId;
        return now.IsBlockDevice ? $"'{path}' is a block device, which other programs can write while it is not served"
            : !IsSame(known, now, isSameBoot) ? $"'{path}' is not the file that was protected"
            : IsExplained(options, before, (heartbeat, scan), disk, now) ? null
            : $"'{path}' was changed while it was not served";
    }

    private static bool IsSame(DiskObservation known, DiskObservation now, bool isSameBoot) =>
        known.IsBlockDevice == now.IsBlockDevice && known.Birth == now.Birth
        && (isSameBoot ? known.Identity == now.Identity : InodeOf(known) == InodeOf(now));

    private static string InodeOf(DiskObservation observation) =>
        observation.Identity[(observation.Identity.LastIndexOf(':') + 1)..];

    private static bool IsExplained(
        SourceVolumeOptions options, VolumeState before, (Heartbeat? Heartbeat, LogScan Scan) found, int disk,
        DiskObservation now)
    {
        var changed = now.Changed?.UtcTicks ?? 0;
        if (before.Clean)
        {
            return changed == (before.Disks[disk].Seen!.Changed?.UtcTicks ?? 0);
        }

        if (found.Heartbeat is not { } heartbeat || disk >= heartbeat.Changed.Length)
        {
            return false;
        }

        if (changed == heartbeat.Changed[disk])
        {
            return true;
        }

        if (before.BootId != options.BootId)
        {
            return changed >= heartbeat.Settled[disk] && changed <= (heartbeat.At + BeatsWithin).UtcTicks
                && (options.BootedAt is not { } booted || changed < booted.UtcTicks);
        }

        var isQuiet = heartbeat.IsIdle && found.Scan.Tail.Lsn == heartbeat.Newest;
        return changed > heartbeat.Changed[disk] && !isQuiet && before.Mode == CaptureMode.Logging
            && found.Scan.Chain.Count > 0 && changed <= (found.Scan.LastTime + WriteFollowsRecord).UtcTicks;
    }
}

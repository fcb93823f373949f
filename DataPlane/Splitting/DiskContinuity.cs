using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Decides at an opening whether a disk is still the one to which the volume's log and maps belong.</summary>
/// <remarks>
/// <para><b>Which disk.</b> The path leads to the same inode (or device) with the same time of birth. After a boot a
/// file system may have another device number, so only inode and birth count then.</para>
/// <para><b>Untouched after a clean shutdown.</b> The change time is the one recorded when the disk was closed. It
/// moves with every write and cannot be set. A mere change of name or rights moves it too, which costs a
/// comparison.</para>
/// <para><b>Untouched after the death of the process.</b> The last change time could not be recorded, so it must be
/// explained: by the newest heartbeat, if the volume was idle then and logged nothing since; otherwise by a record of
/// the log, which the write to the disk follows at once. It cannot be older than the heartbeat's, or than a write that
/// is known to be completed: such a disk was restored, with its file system. Changes completed according to the log
/// must be on the disk too (<see cref="LogAgreement"/>), which detects a disk that was overwritten in the same
/// instant.</para>
/// <para><b>Untouched after a boot.</b> The log may have lost its end, so only time can decide: the change time is
/// before this boot, and at most two heartbeat intervals after the newest heartbeat, because a later heartbeat may not
/// have reached the medium. A change time older than the settled one means a disk that was restored to a moment before
/// a write whose active mark is gone; one that was restored to a later moment is compared where the marks are.</para>
/// <para><b>A block device</b> has no times, and it can be written through a mount, device-mapper or another node: it
/// is never proven untouched, and is compared after every stop.</para>
/// A false alarm costs a comparison of hashes; a missed one would be silent divergence. So doubt counts as a change.
/// </remarks>
internal static class DiskContinuity
{
    /// <summary>
    /// The maximum time from a record's time to the disk's change time, if a write follows its record at once.
    /// </summary>
    private static readonly TimeSpan WriteFollowsRecord = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// The maximum age of the newest heartbeat on the medium at a power failure: one may have been in flight, and late.
    /// </summary>
    private static readonly TimeSpan BeatsWithin = 2 * HeartbeatFile.Every;

    /// <summary>
    /// Returns the reason why a disk must be compared, as one sentence; null if it is as the volume left it.
    /// </summary>
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

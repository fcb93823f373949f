using System.Collections.Immutable;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Creates or opens the volume of a directory.</summary>
/// <remarks>
/// <para><b>The log is trusted</b> if the volume was logging, the log is sound, and either the volume had a clean
/// shutdown or the machine has not booted since (the page cache then holds every write that returned). Then changes
/// above the highest completed number in the log are applied to the disks again, so that disk equals log, and the
/// generation continues: nothing needs a comparison. Why a redo is right: all writes since that number are in the log
/// (every write is logged while logging), and those at or below it are on the disk.</para>
/// <para><b>Otherwise nothing is redone</b>, because the disk may hold writes, even flushed ones, that the log lacks: a
/// redo would put older bytes over them (I3). The disk is right. The changes that the replica may lack are in
/// Active extents, which become dirty, and a new generation starts, far above any number that may have been sent
/// (2^32). Before the log's files are touched the dirty-map mode is stored, so that a crash in the middle leads here
/// again. The sound part of the log, from the oldest record to the damage, is true history: it is kept and sent, so its
/// recovery points are not lost.</para>
/// <para><b>Before anything is redone</b> each disk must be the one to which the log belongs
/// (<see cref="DiskContinuity"/>) and hold the changes that the log records as completed (<see cref="LogAgreement"/>).
/// A disk that fails either check was replaced, restored or written by another program: nothing is redone, and all of
/// it is compared. Its content is right: the guest's acknowledged writes were on the disk that is gone.</para>
/// <para><b>After a failed sync</b> (I28) the system may have dropped pages that it reports as written. Before the disk
/// is trusted, the log of the present generation, if the log is trusted, is applied again, the content of marked
/// extents is rewritten unchanged (the log may no longer hold it, because the replica does), and the disk must sync. A
/// process that died during a sync may not have recorded the failure: then the same log is applied again too, and the
/// disk must sync.</para>
/// <para>Dirty extents at an opening mean an interrupted resync: it starts again under a new generation, for the
/// extents that are still dirty.</para>
/// </remarks>
internal static class SourceVolumeOpening
{
    private const long NumberGap = 1L << 32;

    /// <summary>See <see cref="SourceVolume.Open"/>.</summary>
    public static SourceVolume Open(SourceVolumeOptions options)
    {
        var segment = Math.Max(64 << 10, Math.Min(options.SegmentBytes, options.CacheLimitBytes / 8));
        var fitted = options with { SegmentBytes = segment };
        return options.Directory.Exists(VolumeStateFile.Name) ? OpenExisting(fitted) : Create(fitted);
    }

    private static SourceVolume Create(SourceVolumeOptions options)
    {
        var logs = options.Directory.List().Where(n => n.StartsWith(ChangeLog.Prefix, StringComparison.Ordinal));
        foreach (var name in logs)
        {
            // The files of a volume whose state file is gone: their owner is unknown.
            options.Directory.Delete(name);
        }

        var order = options.Order();
        var maps = options.Disks
            .Select((d, i) => MapFile.Create(options.Directory, i, ChangeMap.ExtentsOf(d.Device.Length), dirty: true))
            .Select(file => new ChangeMap(file, order, Lsn.None))
            .ToArray();
        var state = VolumeStateFile.Create(options.Directory, new VolumeState
        {
            Vm = options.Vm,
            Disks = [.. options.Disks.Select(d => new VolumeStateDisk(d.Path, d.Device.Length, d.Look?.Invoke()))],
            Incarnations = [options.NewIncarnation()],
            Term = options.FirstTerm,
            Mode = CaptureMode.DirtyMap,
            Cause = DirtyCause.InitialReplication,
            BootId = options.BootId,
            CacheLimitBytes = options.CacheLimitBytes,
        });
        var heartbeat = FirstBeat(options, Lsn.None);
        var volume = new SourceVolume(options, Parts(options, (state, heartbeat), maps, order, Scan(options), default));
        volume.Begin(new GenerationChange(DirtyCause.InitialReplication, ResyncScope.None));
        return volume;
    }

    private static SourceVolume OpenExisting(SourceVolumeOptions options)
    {
        var stateFile = VolumeStateFile.Open(options.Directory);
        var state = stateFile.Current;
        var failed = !state.Clean && state.BootId == options.BootId && (state.SyncFailed || stateFile.DiedSyncing);
        CheckFits(options, state);
        var scan = Scan(options);
        var order = options.Order();
        var isTrusted = IsTrusted(options, state, scan, out var cause);
        var doubts = Doubts(options, state, scan, compare: isTrusted && !failed);
        if (!state.Clean && doubts.Any(doubt => doubt is not null))
        {
            (isTrusted, cause) = (false, DirtyCause.ChangedOutside);
        }

        Recovering(options, () => WriteAgain(options, state), failed && state.SyncFailed);
        if (isTrusted && !state.Clean && !state.Fenced)
        {
            isTrusted = Redo(options, state, scan, failed);
            cause = isTrusted ? cause : DirtyCause.LogDamaged;
        }

        Recovering(options, () => options.Disks.ToList().ForEach(d => d.Device.Flush()), failed);
        var newest = isTrusted ? scan.Tail.Lsn
            : new Lsn(Max(scan.HighestLsn, state.Newest, state.Completed, state.AcknowledgedFloor.Lsn) + NumberGap);
        order.StartAt(newest);
        var heartbeat = FirstBeat(options, newest);
        stateFile.Update(s => s with
        {
            Incarnations = s.With(options.NewIncarnation()),
            Disks = [.. s.Disks.Select((d, i) => d with { Seen = options.Disks[i].Look?.Invoke() ?? d.Seen })],
            Mode = isTrusted ? CaptureMode.Logging : CaptureMode.DirtyMap,
            Cause = isTrusted ? s.Cause : cause,
            Generation = new Generation(Math.Max(s.Generation.Value, scan.HighestGeneration.Value)),
            BootId = options.BootId,
            Clean = false,
            SyncFailed = false,
            Completed = isTrusted ? newest : s.Completed,
            CacheLimitBytes = options.CacheLimitBytes,
        });
        stateFile.ForgetSyncing();
        var maps = state.Disks
            .Select((d, i) => new ChangeMap(
                MapFile.Open(options.Directory, i, ChangeMap.ExtentsOf(d.SizeBytes)), order, newest))
            .ToArray();
        var volume = new SourceVolume(options, Parts(options, (stateFile, heartbeat), maps, order, scan, scan.Tail));
        Complete(volume, options, new Opened(state, scan, doubts), isTrusted, cause);
        return volume;
    }

    private static void Complete(
        SourceVolume volume, SourceVolumeOptions options, Opened opened, bool isTrusted, DirtyCause cause)
    {
        var (before, scan, doubts) = opened;
        if (!isTrusted)
        {
            // Clean shutdown in dirty-map mode: log and disk are whole, only the mode continues.
            var isWhole = before.Clean && scan.Damage is null;
            volume.Begin(new GenerationChange(cause, isWhole ? ResyncScope.None : ResyncScope.Active));
        }
        else if (volume.Counters().DirtyBytes > 0 || scan.Tail.Generation != before.Generation)
        {
            volume.Begin(new GenerationChange(before.Cause, ResyncScope.None));
        }

        for (var i = 0; i < options.Disks.Count; i++)
        {
            var (disk, known) = (options.Disks[i], before.Disks[i]);
            if (doubts[i] is { } doubt)
            {
                volume.Begin(new GenerationChange(DirtyCause.ChangedOutside, ResyncScope.From(i, 0))
                {
                    Detail = $"{doubt}; all of it is compared",
                });
            }

            if (disk.Device.Length > known.SizeBytes)
            {
                volume.Resize(i, disk.Device);
            }
        }
    }

    private static bool IsTrusted(SourceVolumeOptions options, VolumeState state, LogScan scan, out DirtyCause cause)
    {
        var damage = scan.Damage is not null || scan.Tail.CompareTo(state.AcknowledgedFloor) < 0
            || (state.Clean && state.Mode == CaptureMode.Logging && scan.Tail.Lsn != state.Newest);
        var sameCache = state.Clean || state.BootId == options.BootId;
        cause = state.Mode == CaptureMode.DirtyMap ? state.Cause
            : sameCache ? DirtyCause.LogDamaged
            : DirtyCause.UncleanShutdown;
        return state.Mode == CaptureMode.Logging && sameCache && !damage && scan.Chain.Count > 0;
    }

    /// <summary>
    /// Returns for each disk the reason why it must be compared; null if it is as the volume left it.
    /// </summary>
    private static string?[] Doubts(SourceVolumeOptions options, VolumeState state, LogScan scan, bool compare)
    {
        using var heartbeat = HeartbeatFile.Open(options.Directory);
        string?[] doubts =
        [
            .. options.Disks.Select((_, i) => DiskContinuity.Doubt(options, state, heartbeat.Newest, scan, i)),
        ];
        if (!compare || state.Clean || state.BootId != options.BootId)
        {
            return doubts;
        }

        Recovering(
            options,
            () =>
            {
                var agreement = new LogAgreement(
                    scan.Chain, [.. options.Disks.Select(d => d.Device)],
                    [.. state.Disks.Select((d, i) => DirtyBits(options, i, d.SizeBytes))]);
                var changed = options.Disks.Select(d => d.Look?.Invoke()?.Changed).ToList();
                foreach (var disk in agreement.Differing(new Lsn(Max(scan.Completed, state.Completed)), changed))
                {
                    doubts[disk] ??= $"'{options.Disks[disk].Path}' does not contain its last writes";
                }
            },
            isDue: true);
        return doubts;
    }

    private static ExtentBits DirtyBits(SourceVolumeOptions options, int disk, long size)
    {
        using var map = MapFile.Open(options.Directory, disk, ChangeMap.ExtentsOf(size));
        return map.Load(ExtentMark.Dirty);
    }

    /// <summary>Records an observation of the disks durably before the volume accepts its first write.</summary>
    private static HeartbeatFile FirstBeat(SourceVolumeOptions options, Lsn newest)
    {
        var file = HeartbeatFile.Open(options.Directory);
        if (options.Disks.Any(d => d.Look is not null))
        {
            var changed = options.Disks.Select(d => d.Look?.Invoke()?.Changed?.UtcTicks ?? 0).ToImmutableArray();
            var settled = file.Newest is { } last && last.Settled.Length == changed.Length
                ? last.Settled.Zip(changed, Math.Min).ToImmutableArray() : [.. changed.Select(_ => 0L)];
            file.Begin(new Heartbeat(options.Time.GetUtcNow(), newest, IsIdle: true, changed, settled));
        }

        return file;
    }

    private static bool Redo(SourceVolumeOptions options, VolumeState state, LogScan scan, bool failed)
    {
        // After a failed sync, redo all of the present generation: writes before its start may not have been logged.
        var from = failed
            ? new Lsn(scan.Chain.First(s => s.Header.Generation == scan.Tail.Generation).Header.FirstLsn.Value - 1)
            : new Lsn(Math.Max(scan.Completed.Value, state.Completed.Value));
        var isSound = false;
        Recovering(
            options,
            () => isSound = new LogRedo(scan.Chain, [.. options.Disks.Select(d => d.Device)]).TryApply(from),
            isDue: true);
        return isSound;
    }

    private static void Recovering(SourceVolumeOptions options, Action action, bool isDue)
    {
        try
        {
            if (isDue)
            {
                action();
            }
        }
        catch (BlockDeviceException e)
        {
            throw new SourceVolumeException(
                SourceVolumeError.RedoFailed,
                $"the disks of '{options.Vm}' could not be repaired after a crash: {e.Message}; "
                + "make the disk writable and open it again",
                e);
        }
    }

    /// <summary>
    /// Rewrites the content of the marked extents unchanged, because unsynced data exists nowhere else.
    /// </summary>
    private static void WriteAgain(SourceVolumeOptions options, VolumeState state)
    {
        var buffer = new byte[1 << 20];
        for (var i = 0; i < state.Disks.Length; i++)
        {
            var (device, size) = (options.Disks[i].Device, state.Disks[i].SizeBytes);
            using var map = MapFile.Open(options.Directory, i, ChangeMap.ExtentsOf(size));
            var marked = map.Load(ExtentMark.Active).SetBits().Union(map.Load(ExtentMark.Dirty).SetBits());
            foreach (var extent in marked.Order())
            {
                var end = Math.Min(size, (extent + 1L) * DirtyExtent.Size);
                for (var at = (long)extent * DirtyExtent.Size; at < end;)
                {
                    var run = device.NextRun(at, end - at);
                    var length = (int)Math.Min(run.Length, buffer.Length);
                    if (run.State == AllocationState.Data)
                    {
                        device.Read(at, buffer.AsSpan(0, length));
                        device.Write([BlockChange.Write(at, buffer.AsMemory(0, length))]);
                    }

                    at += length;
                }
            }
        }
    }

    private static void CheckFits(SourceVolumeOptions options, VolumeState state)
    {
        if (state.Vm != options.Vm)
        {
            throw new SourceVolumeException(
                SourceVolumeError.OtherVm,
                $"'{options.Directory.Path}' belongs to '{state.Vm}', not to '{options.Vm}'");
        }

        if (state.Disks.Length != options.Disks.Count)
        {
            throw new SourceVolumeException(
                SourceVolumeError.DisksDiffer,
                $"'{options.Vm}' has {state.Disks.Length} protected disks, but {options.Disks.Count} are given");
        }

        for (var i = 0; i < state.Disks.Length; i++)
        {
            if (options.Disks[i].Device.Length < state.Disks[i].SizeBytes)
            {
                throw new SourceVolumeException(
                    SourceVolumeError.DisksDiffer,
                    $"'{options.Disks[i].Path}' has {options.Disks[i].Device.Length} bytes "
                    + $"and had {state.Disks[i].SizeBytes}; "
                    + "grow it to that size, or protect the VM again");
            }
        }
    }

    private static LogScan Scan(SourceVolumeOptions options) =>
        LogScan.Read(options.Directory, options.Vm, options.Disks.Count, options.SegmentBytes / 256);

    private static SourceVolumeParts Parts(
        SourceVolumeOptions options, (VolumeStateFile State, HeartbeatFile Heartbeat) files, ChangeMap[] maps,
        WriteOrder order, LogScan scan, ChangePosition tail)
    {
        var log = new ChangeLog(
            options.Directory,
            new LogOptions(
                options.Vm, options.Disks.Count, options.SegmentBytes, options.CacheLimitBytes,
                files.State.Current.LastLogged),
            scan);
        var opening = scan.Chain.LastOrDefault(s => s.Header.OpensGeneration);
        var start = opening is null ? default : new ChangePosition(opening.Header.Generation, opening.Header.FirstLsn);
        return new SourceVolumeParts(files.State, maps, log, order, tail, start, files.Heartbeat);
    }

    /// <summary>The findings of an opening.</summary>
    private sealed record Opened(VolumeState Before, LogScan Scan, string?[] Doubts);

    private static long Max(params ReadOnlySpan<Lsn> numbers)
    {
        var highest = 0L;
        foreach (var number in numbers)
        {
            highest = Math.Max(highest, number.Value);
        }

        return highest;
    }
}

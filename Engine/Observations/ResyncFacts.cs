using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

// Who repairs what. The source knows which extents its log did not carry (a full log, a pause that outgrew it, a crash
// of the machine, the part by which a disk has grown) and sends them automatically as soon as it can. Such a resync is
// reported when it runs and when it is done, and as needed while it cannot run. Damage at the target or a user's
// request require a comparison of whole disks, which the VM's policy schedules. That comparison is ordered (see
// SourceDuty), and it fails permanently when the cause that broke the transfer breaks it again (RES-7).

/// <summary>
/// Derives the commands for resyncs reported by source and target that the VM's state does not contain yet (RES-1 to
/// RES-8).
/// </summary>
internal static class ResyncFacts
{
    /// <summary>Returns the resync commands for a protected VM.</summary>
    public static IEnumerable<ProtectedVmCommand> Of(
        ProtectedVmState state, SourceObservation source, TargetObservation target)
    {
        var inSync = Synchrony.IsInSync(state, source, target);
        var waits = state.Replication.Resync is null or { Stage: ResyncStage.Required };
        return state.Replication.Resync is { Stage: ResyncStage.Running } ? OfRunning(source, target, inSync)
            : waits ? [.. Needed(state, source, target), .. Started(state, source, target, inSync)]
            : [];
    }

    /// <summary>
    /// Returns the resync commands for a VM that runs at the target side. A resync that was ordered there is done when
    /// the source side is in sync again; nothing else would end it, and a failback waits for it.
    /// </summary>
    public static IEnumerable<ProtectedVmCommand> OfReverse(ProtectedVmState state, ReverseObservation? reverse) =>
        state.Replication.Resync is { Stage: ResyncStage.Running } && reverse is { InSync: true }
            ? [new ProtectedVmCommand.RecordResyncCompleted(reverse.ChangedBytes)] : [];

    private static IEnumerable<ProtectedVmCommand> OfRunning(
        SourceObservation source, TargetObservation target, bool inSync)
    {
        if (target.Fault is { } fault)
        {
            yield return new ProtectedVmCommand.RecordResyncFailed(EffectError.Of(
                ErrorClass.NonRecoverable, fault,
                "Check the target's storage, repair it, then start the resync with `drctl resync`."));
        }
        else if (source.Problems.FirstOrDefault(known => known.Class == ErrorClass.NonRecoverable) is { } problem)
        {
            yield return new ProtectedVmCommand.RecordResyncFailed(problem.Remedy.Length > 0 ? problem
                : problem with { Remedy = "Fix the cause, then start the resync with `drctl resync`." });
        }
        else if (inSync)
        {
            yield return new ProtectedVmCommand.RecordResyncCompleted(source.CopiedBytes);
        }
    }

    private static IEnumerable<ProtectedVmCommand> Needed(
        ProtectedVmState state, SourceObservation source, TargetObservation target)
    {
        var known = state.Replication.Resync?.Reasons ?? [];
        if ((target.Fault is not null || target.IsDamageNew) && !known.Contains(ResyncReason.TransferFailed))
        {
            yield return new ProtectedVmCommand.RecordResyncNeeded(ResyncReason.TransferFailed);
        }

        if (Stranded(state, source) is { } reason && !known.Contains(reason))
        {
            yield return new ProtectedVmCommand.RecordResyncNeeded(reason);
        }
    }

    // Extents that the source cannot send now: replication is paused, or its log is as long as half of the disk.
    private static ResyncReason? Stranded(ProtectedVmState state, SourceObservation source)
    {
        return source.DirtyBytes == 0 ? null
            : state.Replication.Paused ? source.LogOutgrown ? ResyncReason.PauseOutgrewLog : source.ResyncReason
            : source is { Capture: CaptureMode.DirtyMap, Cause: DirtyCause.BacklogHalfOfDisk }
                ? ResyncReason.LogHalfOfDisk
            : null;
    }

    private static IEnumerable<ProtectedVmCommand> Started(
        ProtectedVmState state, SourceObservation source, TargetObservation target, bool inSync)
    {
        var mark = state.Replication.Resync;
        if (state.Replication.Paused || source.Capture == CaptureMode.DirtyMap
            || (mark is not null && !mark.Reasons.All(SourceDuty.SourceKnowsExtents)))
        {
            yield break;
        }

        if (source.DirtyBytes > 0 || target.Resyncing)
        {
            yield return new ProtectedVmCommand.RecordResyncStarted(source.ResyncReason);
        }
        else if (mark is { Reasons: [var reason, ..] } && inSync)
        {
            // The resync began and ended between two observations.
            yield return new ProtectedVmCommand.RecordResyncStarted(reason);
            yield return new ProtectedVmCommand.RecordResyncCompleted(source.CopiedBytes);
        }
    }
}

using ReplicationEngine.Agent.Control;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

// Who mends what. The source knows which extents its log did not carry (a full log, a pause that outgrew it, a crash of
// the machine) and sends them by itself as soon as it can: such a resync is told when it runs and when it is done, and
// as needed while it cannot run. Damage at the target, a resized disk or a user's wish take a comparison of whole
// disks, which the VM's policy times; that one is ordered (see SourceDuty), and fails for good when what broke
// the transfer breaks it again (RES-7).

/// <summary>What source and target tell of resyncs that the VM's state does not know yet (RES-1 to RES-8).</summary>
internal static class ResyncFacts
{
    /// <summary>The facts for a protected VM.</summary>
    public static IEnumerable<ProtectedVmCommand> Of(ProtectedVmState state, VolumeStatus status, ReplicaSight replica)
    {
        var waits = state.Replication.Resync is null or { Stage: ResyncStage.Required };
        return state.Replication.Resync is { Stage: ResyncStage.Running } ? OfRunning(status, replica)
            : waits ? [.. Needed(state, status, replica), .. Started(state, status, replica)]
            : [];
    }

    /// <summary>
    /// The facts for a VM that runs at the target side: a resync that was ordered there is done when the source side is
    /// in step again. Nobody else would end it, and a failback waits for it.
    /// </summary>
    public static IEnumerable<ProtectedVmCommand> OfReverse(ProtectedVmState state, ReverseStatus reverse) =>
        state.Replication.Resync is { Stage: ResyncStage.Running } && reverse.InSync
            ? [new ProtectedVmCommand.RecordResyncCompleted(reverse.Transfer?.ChangedBytes ?? 0)] : [];

    private static IEnumerable<ProtectedVmCommand> OfRunning(VolumeStatus status, ReplicaSight replica)
    {
        if (replica.Fault is { } fault)
        {
            yield return new ProtectedVmCommand.RecordResyncFailed(EffectError.Of(
                ErrorClass.NonRecoverable, fault,
                "See the target's storage; when it is sound, start the resync by hand."));
        }
        else if (status.Problems.FirstOrDefault(problem => !problem.Recoverable) is { } problem)
        {
            yield return new ProtectedVmCommand.RecordResyncFailed(EffectError.Of(
                ErrorClass.NonRecoverable, problem.Message,
                problem.Remedy ?? "Remove the cause, then start the resync by hand."));
        }
        else if (replica.InSync)
        {
            yield return Completed(status);
        }
    }

    private static IEnumerable<ProtectedVmCommand> Needed(
        ProtectedVmState state, VolumeStatus status, ReplicaSight replica)
    {
        var known = state.Replication.Resync?.Reasons ?? [];
        if (replica.Fault is not null && !known.Contains(ResyncReason.TransferFailed))
        {
            yield return new ProtectedVmCommand.RecordResyncNeeded(ResyncReason.TransferFailed);
        }

        if (Stranded(state, status) is { } reason && !known.Contains(reason))
        {
            yield return new ProtectedVmCommand.RecordResyncNeeded(reason);
        }
    }

    // Extents that the source cannot send now: replication is paused, or its log is as long as half of the disk.
    private static ResyncReason? Stranded(ProtectedVmState state, VolumeStatus status)
    {
        var outgrown = status.CauseCode is "cache-full" or "no-space" or "cache-failed" or "backlog-half-of-disk";
        return status.DirtyBytes == 0 ? null
            : state.Replication.Paused ? outgrown ? ResyncReason.PauseOutgrewLog : Synchrony.Reason(status)
            : status is { Capture: "dirty-map", CauseCode: "backlog-half-of-disk" } ? ResyncReason.LogHalfOfDisk
            : null;
    }

    private static IEnumerable<ProtectedVmCommand> Started(
        ProtectedVmState state, VolumeStatus status, ReplicaSight replica)
    {
        var mark = state.Replication.Resync;
        if (state.Replication.Paused || status.Capture == "dirty-map"
            || (mark is not null && !mark.Reasons.All(SourceDuty.SourceKnowsExtents)))
        {
            yield break;
        }

        if (status.DirtyBytes > 0 || replica.Resyncing)
        {
            yield return new ProtectedVmCommand.RecordResyncStarted(Synchrony.Reason(status));
        }
        else if (mark is { Reasons: [var reason, ..] } && replica.InSync)
        {
            // It began and ended between two looks.
            yield return new ProtectedVmCommand.RecordResyncStarted(reason);
            yield return Completed(status);
        }
    }

    private static ProtectedVmCommand.RecordResyncCompleted Completed(VolumeStatus status) =>
        new(status.Transfer?.CopiedBytes ?? 0);
}

/// <summary>How the receiving side stands.</summary>
/// <param name="InSync">It equals the sending side (<see cref="Synchrony"/>).</param>
/// <param name="Resyncing">It equals no moment of the source.</param>
/// <param name="Fault">Why it takes nothing more; null when it does.</param>
internal sealed record ReplicaSight(bool InSync, bool Resyncing, string? Fault);

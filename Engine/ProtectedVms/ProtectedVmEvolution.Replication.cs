using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmEvolution
{
    private static ProtectedVmState Pause(ProtectedVmState state, ReplicationPaused e) =>
        Change(state, e, replication => replication with
        {
            Paused = true,
            Order = new ReplicationOrder(EffectKind.PauseReplication, state.EventCount),
        }).WithoutPendingPoint(e.At, "Replication was paused.");

    private static ProtectedVmState Resume(ProtectedVmState state, ReplicationResumed e) =>
        Change(state, e, replication => replication with
        {
            Paused = false,
            Order = new ReplicationOrder(EffectKind.ResumeReplication, state.EventCount),
        }) with { PointSchedule = RestartPoints(state, e.At) };

    private static ProtectedVmState Mark(ProtectedVmState state, ResyncMarked e) =>
        Change(state, e, replication => replication with
        {
            Resync = replication.Resync is { } mark
                ? mark with { Reasons = Union(mark.Reasons, e.Reasons), StartsAt = e.StartsAt }
                : new ResyncMark(e.Reasons, e.At, ResyncStage.Required, e.StartsAt, 0),
        }).WithoutPendingPoint(e.At, "A resync is needed first.");

    private static ProtectedVmState StartResync(ProtectedVmState state, ResyncStarted e)
    {
        var ordered = state.Replication.Resync is { Stage: ResyncStage.Ordered } known ? known.Since : 0;
        var confirmed = ordered > 0 && !e.Ordered;
        var next = Change(state, e, replication => replication with
        {
            Resync = new ResyncMark(
                replication.Resync is { } mark ? Union(mark.Reasons, e.Reasons) : e.Reasons,
                replication.Resync?.MarkedAt ?? e.At,
                e.Ordered ? ResyncStage.Ordered : ResyncStage.Running,
                null,
                e.Ordered ? state.EventCount : ordered),
        });
        next = next.WithoutPendingPoint(e.At, "A resync began.");
        return next with
        {
            Retries = state.Retries.RemoveAll(retry => retry.Kind == EffectKind.StartResync),
            Jobs = confirmed ? next.Jobs : next.Jobs
                .End(JobKind.Resync, JobOutcome.Cancelled, e.At, "Another resync took its place.")
                .Start(state.EventCount, JobKind.Resync, e.By, "Compare and send differences", e.At),
        };
    }

    private static ProtectedVmState CompleteResync(ProtectedVmState state, ResyncCompleted e) =>
        Change(state, e, replication => replication with { Resync = null }) with
        {
            PointSchedule = RestartPoints(state, e.At),
            Jobs = state.Jobs.End(JobKind.Resync, JobOutcome.Succeeded, e.At),
        };

    private static ProtectedVmState Fault(ProtectedVmState state, ReplicationFaulted e) =>
        Change(state, e, replication => replication with
        {
            Order = replication.Order is { Kind: EffectKind.ResumeReplication } ? null : replication.Order,
            Fault = new ReplicationFault(e.Error, e.Failures, e.RetryAt, replication.Fault?.Since ?? e.At),
        });

    private static ProtectedVmState RetryReplication(ProtectedVmState state, ReplicationRetried e) =>
        Change(state, e, replication => replication with
        {
            Order = new ReplicationOrder(EffectKind.ResumeReplication, state.EventCount),
            Fault = replication.Fault is { } fault ? fault with { RetryAt = null } : throw Impossible(state, e),
        });

    private static ProtectedVmState Resize(ProtectedVmState state, DiskResized e)
    {
        var disks = state.Enrollment.Disks;
        var index = disks.IndexOf(disk => string.Equals(disk.Path, e.Disk.Path, StringComparison.Ordinal));
        return index < 0
            ? throw Impossible(state, e)
            : state with { Enrollment = state.Enrollment with { Disks = disks.SetItem(index, e.Disk) } };
    }

    private static ProtectedVmState Confirm(ProtectedVmState state, EffectConfirmed e) => e.Kind switch
    {
        EffectKind.PauseReplication or EffectKind.ResumeReplication =>
            Change(state, e, replication => replication with { Order = null }),
        EffectKind.StartResync when state.Replication.Resync is { } mark =>
            Change(state, e, replication => replication with { Resync = mark with { Stage = ResyncStage.Running } }),
        EffectKind.PrunePoints => state with { Prune = null },
        EffectKind.FenceSource => state with { FenceSince = null },
        EffectKind.StartReverseReplication or EffectKind.StartForwardReplication
            when state.Phase is Phase.Reprotecting reprotecting =>
            state with
            {
                Phase = reprotecting with { Started = true },
                Jobs = state.Jobs.NextStep(JobKind.Reprotect, "Differences sent", e.At),
            },
        EffectKind.ReleaseProtection when state.Phase is Phase.EnableFailed failed =>
            state with
            {
                Phase = failed with { CleanUpOwed = false },
                ReplicaSince = state.Points.Count > 0 ? state.ReplicaSince : default,
            },
        _ => throw Impossible(state, e),
    };

    private static ProtectedVmState Fail(ProtectedVmState state, EffectFailed e)
    {
        var index = state.Retries.IndexOf(retry => retry.Kind == e.Kind);
        var since = index < 0 ? e.At : state.Retries[index].Since;
        var retry = new Retry(e.Kind, e.Failures, e.RetryAt, true, e.Error, since);
        var failed = state with
        {
            Retries = index < 0 ? state.Retries.Add(retry) : state.Retries.SetItem(index, retry),
            Jobs = JobOf(state, e.Kind) is { } job ? state.Jobs.NoteError(job, Text(e.Error)) : state.Jobs,
        };

        // A resync that stopped half-way is owed again.
        return e.Kind == EffectKind.StartResync && state.Replication.Resync is { } mark
            ? failed with
            {
                Replication = state.Replication with
                {
                    Resync = mark with { Stage = ResyncStage.Ordered, Since = state.EventCount },
                },
            }
            : failed;
    }

    private static ProtectedVmState Retry(ProtectedVmState state, EffectRetried e)
    {
        var index = state.Retries.IndexOf(retry => retry.Kind == e.Kind && retry.Waiting);
        return index < 0
            ? throw Impossible(state, e)
            : state with
            {
                Retries = state.Retries.SetItem(index, state.Retries[index] with { Waiting = false, DueAt = null }),
            };
    }

    private static ProtectedVmState Raise(ProtectedVmState state, HealthCause cause)
    {
        var index = state.Causes.IndexOf(known => known.Kind == cause.Kind);
        return state with { Causes = index < 0 ? state.Causes.Add(cause) : state.Causes.SetItem(index, cause) };
    }

    private static ProtectedVmState Clear(ProtectedVmState state, HealthCauseCleared e)
    {
        var cleared = Without(state, e.Kind);
        return e.Kind == HealthKind.AgentDisconnected && state.PointSchedule.NextAt is not null
            ? cleared with { PointSchedule = RestartPoints(state, e.At) }
            : cleared;
    }

    private static ProtectedVmState Without(ProtectedVmState state, params ReadOnlySpan<HealthKind> kinds)
    {
        if (state.Causes.Count == 0)
        {
            return state;
        }

        var gone = kinds.ToArray();
        return state with { Causes = state.Causes.RemoveAll(cause => gone.Contains(cause.Kind)) };
    }

    private static ProtectedVmState Change(
        ProtectedVmState state, ProtectedVmEvent e, Func<ReplicationState, ReplicationState> change) =>
        state.Replication.Active ? state with { Replication = change(state.Replication) } : throw Impossible(state, e);

    private static ValueList<ResyncReason> Union(ValueList<ResyncReason> known, ValueList<ResyncReason> more) =>
        known.Union(more).ToValueList();

    // A retry lives as long as its effect is owed; that of a resync until the resync is done, so that one which fails
    // again and again half-way keeps to the schedule.
    private static ProtectedVmState DropSettledRetries(ProtectedVmState state)
    {
        if (state.Retries.Count == 0)
        {
            return state;
        }

        var owed = ProtectedVmObligations.OwedKinds(state);
        return state with { Retries = state.Retries.RemoveAll(retry => !Lives(retry)) };

        bool Lives(Retry retry) => owed.Contains(retry.Kind)
            || (retry.Kind == EffectKind.StartResync && state.Replication is { Active: true, Resync: not null });
    }
}

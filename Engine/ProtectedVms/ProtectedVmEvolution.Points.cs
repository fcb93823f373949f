using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmEvolution
{
    private static ProtectedVmState Request(ProtectedVmState state, RecoveryPointRequested e)
    {
        Expect<Phase.Protected>(state, e);
        var byEngine = string.Equals(e.By, ProtectedVm.EngineActor, StringComparison.Ordinal);
        return state with
        {
            PointSchedule = state.PointSchedule with
            {
                NextAt = e.At + ReplicationPolicy.CrashConsistentEvery,
                Pending = new PendingPoint(e.Point, e.Kind),
            },
            Jobs = byEngine ? state.Jobs
                : state.Jobs.Start(state.EventCount, JobKind.RecoveryPoint, e.By, "Recovery point made", e.At),
        };
    }

    private static ProtectedVmState Seal(ProtectedVmState state, RecoveryPointSealed e)
    {
        var schedule = state.PointSchedule;
        var answered = schedule.Pending?.Id == e.Point.Id;
        var next = state with
        {
            Points = e.Steady is { } now
                ? RetentionClock.Insert(state.Points, e.Point, now, schedule.LastSteady)
                : RetentionClock.Insert(state.Points, e.Point),
            PointSchedule = schedule with
            {
                LastAt = schedule.LastAt is null ? null : e.At,
                NextAt = answered || schedule.NextAt is null
                    ? schedule.NextAt : e.At + ReplicationPolicy.CrashConsistentEvery,
                LastApplicationAt = e.Point.Kind == PointKind.App ? e.At : schedule.LastApplicationAt,
                Pending = answered ? null : schedule.Pending,
                LastSteady = e.Steady ?? schedule.LastSteady,
            },
            Jobs = answered ? state.Jobs.End(JobKind.RecoveryPoint, JobOutcome.Succeeded, e.At, e.Warning) : state.Jobs,
        };

        // What was asked for once is asked for no more when the next point comes; what the policy asks for stays wrong
        // until an application-consistent point is made.
        next = Without(next, HealthKind.NoRecentPoint);
        return e.Warning is { } warning
            ? Raise(next, new HealthCause(
                HealthKind.AppConsistencyFailed, "", HealthLevel.Warning, warning, "Check the freeze hooks.", e.At))
            : e.Point.Kind == PointKind.App || state.Enrollment.Policy.AppConsistentEvery == TimeSpan.Zero
                ? Without(next, HealthKind.AppConsistencyFailed) : next;
    }

    private static ProtectedVmState Skip(ProtectedVmState state, RecoveryPointSkipped e) =>
        state.PointSchedule.Pending?.Id == e.Point
            ? state with
            {
                PointSchedule = state.PointSchedule with { Pending = null },
                Jobs = state.Jobs.End(JobKind.RecoveryPoint, JobOutcome.Failed, e.At, e.Reason),
            }
            : throw Impossible(state, e);

    private static ProtectedVmState MarkUnusable(ProtectedVmState state, RecoveryPointMarkedUnusable e)
    {
        var index = state.Points.IndexOf(point => point.Id == e.Point);
        return index < 0
            ? throw Impossible(state, e)
            : state with
            {
                Points = state.Points.SetItem(index, state.Points[index] with { UnusableBecause = e.Reason }),
            };
    }

    private static ProtectedVmState Grade(ProtectedVmState state, RecoveryPointsGraded e)
    {
        var points = state.Points;
        foreach (var id in e.Points)
        {
            var index = points.IndexOf(kept => kept.Id == id);
            if (index < 0 || points[index].Point.Grade >= e.Grade)
            {
                throw Impossible(state, e);
            }

            var kept = points[index];
            points = points.SetItem(index, kept with { Point = kept.Point with { Grade = e.Grade } });
        }

        return state with { Points = points };
    }

    private static ProtectedVmState Expire(ProtectedVmState state, RecoveryPointsExpired e) => state with
    {
        Points = state.Points.RemoveAll(point => e.Points.Contains(point.Id)),
        Prune = new PruneOrder([.. state.Prune?.Points ?? [], .. e.Points], state.EventCount),
    };

    // The next point is due at once.
    private static PointSchedule RestartPoints(ProtectedVmState state, DateTimeOffset at) =>
        state.PointSchedule.NextAt is null ? state.PointSchedule : state.PointSchedule with { NextAt = at };

    private static ProtectedVmState WithoutPendingPoint(
        this ProtectedVmState state, DateTimeOffset at, string reason) =>
        state.PointSchedule.Pending is null
            ? state
            : state with
            {
                PointSchedule = state.PointSchedule with { Pending = null },
                Jobs = state.Jobs.End(JobKind.RecoveryPoint, JobOutcome.Cancelled, at, reason),
            };
}

using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands about recovery points.</summary>
public abstract record PointCommand : ProtectedVmCommand
{
    private protected PointCommand()
    {
    }
}

/// <summary>The events of recovery points.</summary>
public abstract record PointEvent : ProtectedVmEvent
{
    private protected PointEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of recovery points (RCP-1 to RCP-6): requested by the schedule or a user, sealed by the store, graded as
/// their content is verified, and expired by retention.
/// </summary>
internal static class Points
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, PointCommand command, DecisionContext context) => command switch
    {
        MakeRecoveryPoint c => OnMake(state, c, context),
        HoldRecoveryPoint c => OnHold(state, c, context),
        ReleaseRecoveryPoint c => OnRelease(state, c, context),
        RecordRecoveryPointSealed c => AcceptAll(Sealed(state, c.Point, context)),
        RecordRecoveryPointSkipped c when state.PointSchedule.Pending?.Id == c.Point =>
            Accept(new RecoveryPointSkipped(context.Now, c.Point, c.Reason)),
        RecordRecoveryPointUnusable c when state.Points.Any(kept => kept.Id == c.Point && kept.Usable) =>
            Accept(new RecoveryPointMarkedUnusable(context.Now, c.Point, c.Reason)),
        RecordRecoveryPointsGraded c => OnGraded(state, c, context),
        _ => Accept(),
    };

    /// <summary>Returns the events when the timer of the next point is due.</summary>
    public static ValueList<ProtectedVmEvent> Due(ProtectedVmState state, DecisionContext context) =>
        Requested(state, DueKind(state, context.Now), ProtectedVm.EngineActor, context);

    /// <summary>
    /// Returns the events for a point that the store holds and the state may not know, including expirations it causes.
    /// </summary>
    public static ValueList<ProtectedVmEvent> Sealed(
        ProtectedVmState state, RecoveryPoint point, DecisionContext context)
    {
        var known = state.Points.Any(kept => kept.Id == point.Id) || (state.Prune?.Points.Contains(point.Id) ?? false);
        if (known || !KeepsPoints(state.Phase))
        {
            return [];
        }

        var less = state.PointSchedule.Pending is { Kind: PointKind.App } pending
            && pending.Id == point.Id && point.Kind == PointKind.Crash;
        var made = new RecoveryPointSealed(context.Now, InOrderOfTime(state, point), less
            ? "The application could not be frozen in time; the point is only crash-consistent."
            : null)
        {
            Steady = context.Steady,
        };
        return [made, .. Expired(ProtectedVm.Evolve(state, made), context, Retention.LetGoTogether)];
    }

    /// <summary>
    /// Returns the events of points that retention expires. Points expire only while the VM is protected, because
    /// during a failover the user may still choose any point.
    /// </summary>
    /// <param name="state">The state of the VM.</param>
    /// <param name="context">The context of the decision.</param>
    /// <param name="together">The minimum number of expired points per event, so that not every point takes an event
    /// and an effect of its own. A policy that keeps only the newest point does not wait.</param>
    public static ValueList<ProtectedVmEvent> Expired(ProtectedVmState state, DecisionContext context, int together)
    {
        if (state.Phase is not Phase.Protected)
        {
            return [];
        }

        var expired = Retention.Expired(state.Points, state.Enrollment.Policy.Retention, Held(state));
        var enough = state.Enrollment.Policy.Retention == TimeSpan.Zero ? 1 : together;
        return expired.Count < enough ? [] : [new RecoveryPointsExpired(context.Now, expired)];
    }

    /// <summary>Resolves a choice to a point, or returns the refusal when there is none.</summary>
    public static ProtectedVmRefusal? Choose(
        ProtectedVmState state, PointChoice choice, DecisionContext context, out ChosenPoint point)
    {
        if (choice is PointChoice.Latest && ProtectedVmOperations.CanSealLatest(state))
        {
            point = SealNow(context);
            return null;
        }

        var (found, wanted) = choice switch
        {
            PointChoice.Specific specific =>
                (state.Points.FirstOrDefault(kept => kept.Id == specific.Id), "recovery point"),
            PointChoice.LatestAppConsistent => (
                state.Points.LastOrDefault(kept => kept.Usable && kept.Point.Kind == PointKind.App),
                "application-consistent recovery point"),
            _ => (state.Points.LastOrDefault(kept => kept.Usable), "recovery point"),
        };
        point = new ChosenPoint(found?.Id ?? default, false);
        return (found, choice) switch
        {
            (null, PointChoice.Specific specific) => new ProtectedVmRefusal.UnknownPoint(specific.Id),
            (null, _) => new ProtectedVmRefusal.NoUsablePoint(wanted),
            ({ UnusableBecause: { } reason }, _) => new ProtectedVmRefusal.UnusablePoint(found.Id, reason),
            _ => null,
        };
    }

    /// <summary>Returns a choice that seals everything received under a new id.</summary>
    public static ChosenPoint SealNow(DecisionContext context) => new(new RecoveryPointId(context.NewGuid(0)), true);

    public static ProtectedVmState Evolve(ProtectedVmState state, PointEvent @event) => @event switch
    {
        RecoveryPointRequested e => Request(state, e),
        RecoveryPointSealed e => Seal(state, e),
        RecoveryPointSkipped e => Skip(state, e),
        RecoveryPointMarkedUnusable e => MarkUnusable(state, e),
        RecoveryPointsGraded e => Grade(state, e),
        RecoveryPointHeld e => Hold(state, e, e.Point, new PointHold(e.By, e.At)),
        RecoveryPointReleased e => Hold(state, e, e.Point, null),
        RecoveryPointsExpired e => state with
        {
            Points = state.Points.RemoveAll(point => e.Points.Contains(point.Id)),
            Prune = new PruneOrder([.. state.Prune?.Points ?? [], .. e.Points], state.EventCount),
        },
        _ => throw state.Impossible(@event),
    };

    /// <summary>
    /// Returns the point schedule at the start of a phase. In a phase that makes points, the first is due at once.
    /// </summary>
    public static PointSchedule ScheduleIn(Phase phase, ProtectedVmState state, DateTimeOffset at) =>
        phase is Phase.Protected ? state.PointSchedule.Stopped with { NextAt = at, LastAt = at }
            : state.PointSchedule.Stopped;

    /// <summary>Sets when the next point is due, in phases that make points.</summary>
    public static ProtectedVmState DueAt(DateTimeOffset at, ProtectedVmState state) =>
        state.PointSchedule.NextAt is null
            ? state : state with { PointSchedule = state.PointSchedule with { NextAt = at } };

    /// <summary>Abandons the requested point, if there is one.</summary>
    public static ProtectedVmState WithoutPending(ProtectedVmState state, DateTimeOffset at, string reason) =>
        state.PointSchedule.Pending is null
            ? state
            : state with
            {
                PointSchedule = state.PointSchedule with { Pending = null },
                Jobs = state.Jobs.End(JobKind.RecoveryPoint, JobOutcome.Cancelled, at, reason),
            };

    private static Decision<ProtectedVmEvent> OnMake(
        ProtectedVmState state, MakeRecoveryPoint command, DecisionContext context)
    {
        if (NotOffered(state, Operation.MakeRecoveryPoint) is { } refused)
        {
            return refused;
        }

        var scenario = ProtectedVmOperations.ScenarioOf(state);
        return command.Kind == PointKind.App && !scenario.AppConsistentPoints
            ? Refuse(new ProtectedVmRefusal.ScenarioForbids(scenario.Id, "it has no application-consistent points"))
            : command is { Kind: PointKind.App, AgentHasHooks: false }
            ? Refuse(new ProtectedVmRefusal.NoHooks(state.Enrollment.Agent))
            : AcceptAll(Requested(state, command.Kind, context.Actor, context));
    }

    private static Decision<ProtectedVmEvent> OnHold(
        ProtectedVmState state, HoldRecoveryPoint command, DecisionContext context) =>
        NotOffered(state, Operation.HoldRecoveryPoint)
            ?? state.Points.FirstOrDefault(kept => kept.Id == command.Point) switch
            {
                null => Refuse(new ProtectedVmRefusal.UnknownPoint(command.Point)),
                { Hold: { } hold } => Refuse(new ProtectedVmRefusal.AlreadyHeld(command.Point, hold.By)),
                _ => Accept(new RecoveryPointHeld(context.Now, context.Actor, command.Point)),
            };

    // Whether the point expires is decided with the next one that is sealed, as for every other point.
    private static Decision<ProtectedVmEvent> OnRelease(
        ProtectedVmState state, ReleaseRecoveryPoint command, DecisionContext context) =>
        NotOffered(state, Operation.ReleaseRecoveryPoint)
            ?? state.Points.FirstOrDefault(kept => kept.Id == command.Point) switch
            {
                null => Refuse(new ProtectedVmRefusal.UnknownPoint(command.Point)),
                { Hold: null } => Refuse(new ProtectedVmRefusal.NotHeld(command.Point)),
                _ => Accept(new RecoveryPointReleased(context.Now, context.Actor, command.Point)),
            };

    // Grades only rise, and a point found damaged no longer rises.
    private static Decision<ProtectedVmEvent> OnGraded(
        ProtectedVmState state, RecordRecoveryPointsGraded command, DecisionContext context)
    {
        var rising = state.Points
            .Where(kept => kept.Usable && kept.Point.Grade < command.Grade && command.Points.Contains(kept.Id))
            .Select(kept => kept.Id).ToValueList();
        return rising.Count == 0 ? Accept() : Accept(new RecoveryPointsGraded(context.Now, command.Grade, rising));
    }

    // A point without a reply by the time of the next one gives way to it. If it is still sealed later, it counts.
    private static ValueList<ProtectedVmEvent> Requested(
        ProtectedVmState state, PointKind kind, string by, DecisionContext context)
    {
        var requested = new RecoveryPointRequested(context.Now, by, new RecoveryPointId(context.NewGuid(0)), kind);
        return state.PointSchedule.Pending is { } pending
            ? [new RecoveryPointSkipped(context.Now, pending.Id, "It was not complete before the next one was due."),
                requested]
            : [requested];
    }

    // After the clock was set back, the time since the last point is unknown. One point too many does no harm.
    private static PointKind DueKind(ProtectedVmState state, DateTimeOffset now)
    {
        var every = state.Enrollment.Policy.AppConsistentEvery;
        var due = every > TimeSpan.Zero && !Monitoring.Has(state, HealthKind.NoHooks)
            && (state.PointSchedule.LastApplicationAt is not { } last || now - last >= every || now < last);
        return due ? PointKind.App : PointKind.Crash;
    }

    // The service's clock can be set back; the order of changes cannot, and points are shown in that order.
    private static RecoveryPoint InOrderOfTime(ProtectedVmState state, RecoveryPoint point)
    {
        var before = state.Points.LastOrDefault(kept => RetentionClock.Compare(kept.Point, point) < 0);
        return before?.Point.Time > point.Time ? point with { Time = before.Point.Time } : point;
    }

    // After the commit only the committed point exists. A late point is among those that the commit deleted.
    private static bool KeepsPoints(Phase phase) =>
        phase is Phase.InitialReplication or Phase.Finalizing or Phase.Protected or Phase.FailingOver
            or Phase.CommitPending or Phase.ChangingPoint or Phase.Cancelling { Direction: Direction.ToRecovery };

    private static ValueList<RecoveryPointId> Held(ProtectedVmState state)
    {
        var byUsers = state.Points.Where(kept => kept.Hold is not null).Select(kept => kept.Id);
        return state.TestFailover switch
        {
            TestFailover.Starting starting => [starting.Point.Id, .. byUsers],
            TestFailover.Active active => [active.Point, .. byUsers],
            _ => [.. byUsers],
        };
    }

    private static ProtectedVmState Request(ProtectedVmState state, RecoveryPointRequested e)
    {
        state.Expect<Phase.Protected>(e);
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

        // A user's one-time request ends with the next point. A requirement of the policy stays unmet until an
        // application-consistent point is made.
        next = next.Without(HealthKind.NoRecentPoint);
        return e.Warning is { } warning
            ? next.Raise(new HealthCause(
                HealthKind.AppConsistencyFailed, "", HealthLevel.Warning, warning, "Check the freeze hooks.", e.At))
            : e.Point.Kind == PointKind.App || state.Enrollment.Policy.AppConsistentEvery == TimeSpan.Zero
                ? next.Without(HealthKind.AppConsistencyFailed) : next;
    }

    private static ProtectedVmState Skip(ProtectedVmState state, RecoveryPointSkipped e) =>
        state.PointSchedule.Pending?.Id == e.Point
            ? state with
            {
                PointSchedule = state.PointSchedule with { Pending = null },
                Jobs = state.Jobs.End(JobKind.RecoveryPoint, JobOutcome.Failed, e.At, e.Reason),
            }
            : throw state.Impossible(e);

    private static ProtectedVmState MarkUnusable(ProtectedVmState state, RecoveryPointMarkedUnusable e)
    {
        var index = state.Points.IndexOf(point => point.Id == e.Point);
        return index < 0
            ? throw state.Impossible(e)
            : state with
            {
                Points = state.Points.SetItem(index, state.Points[index] with { UnusableBecause = e.Reason }),
            };
    }

    // A point is held or not, so an event that sets what already is cannot follow.
    private static ProtectedVmState Hold(
        ProtectedVmState state, PointEvent e, RecoveryPointId point, PointHold? hold)
    {
        var index = state.Points.IndexOf(kept => kept.Id == point);
        return index < 0 || state.Points[index].Hold is null == hold is null
            ? throw state.Impossible(e)
            : state with { Points = state.Points.SetItem(index, state.Points[index] with { Hold = hold }) };
    }

    private static ProtectedVmState Grade(ProtectedVmState state, RecoveryPointsGraded e)
    {
        var points = state.Points;
        foreach (var id in e.Points)
        {
            var index = points.IndexOf(kept => kept.Id == id);
            if (index < 0 || points[index].Point.Grade >= e.Grade)
            {
                throw state.Impossible(e);
            }

            var kept = points[index];
            points = points.SetItem(index, kept with { Point = kept.Point with { Grade = e.Grade } });
        }

        return state with { Points = points };
    }
}

using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmDecider
{
    private static Decision<ProtectedVmEvent> OnMakeRecoveryPoint(
        ProtectedVmState state, MakeRecoveryPoint command, DecisionContext context)
    {
        if (ProtectedVmOperations.Check(state, Operation.MakeRecoveryPoint) is { } refusal)
        {
            return Refuse(refusal);
        }

        var scenario = ProtectedVmOperations.ScenarioOf(state);
        return command.Kind == PointKind.App && !scenario.AppConsistentPoints
            ? Refuse(new ProtectedVmRefusal.ScenarioForbids(scenario.Id, "it has no application-consistent points"))
            : command is { Kind: PointKind.App, AgentHasHooks: false }
            ? Refuse(new ProtectedVmRefusal.NoHooks(state.Enrollment.Agent))
            : Accept([.. Requested(state, command.Kind, context.Actor, context)]);
    }

    // A point that was not answered by the time of the next one gives way to it; should it still be sealed, it counts.
    private static ValueList<ProtectedVmEvent> Requested(
        ProtectedVmState state, PointKind kind, string by, DecisionContext context)
    {
        var requested = new RecoveryPointRequested(context.Now, by, new RecoveryPointId(context.NewGuid(0)), kind);
        return state.PointSchedule.Pending is { } pending
            ? [new RecoveryPointSkipped(context.Now, pending.Id, "It was not made before the next one was due."),
                requested]
            : [requested];
    }

    // Where the clock was set back, how long ago the last one was made is not known: one too many does no harm.
    private static PointKind DueKind(ProtectedVmState state, DateTimeOffset now)
    {
        var every = state.Enrollment.Policy.AppConsistentEvery;
        var due = every > TimeSpan.Zero && !Has(state, Health.HealthKind.NoHooks)
            && (state.PointSchedule.LastApplicationAt is not { } last || now - last >= every || now < last);
        return due ? PointKind.App : PointKind.Crash;
    }

    private static ValueList<ProtectedVmEvent> Sealed(
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
        return [made, .. Expired(ProtectedVmEvolution.Evolve(state, made), context, Retention.LetGoTogether)];
    }

    // The service's clock can be set back; the order of changes cannot, and points are shown in that order.
    private static RecoveryPoint InOrderOfTime(ProtectedVmState state, RecoveryPoint point)
    {
        var before = state.Points.LastOrDefault(kept => RetentionClock.Compare(kept.Point, point) < 0);
        return before?.Point.Time > point.Time ? point with { Time = before.Point.Time } : point;
    }

    // Grades only rise, and what was found damaged rises no more.
    private static ValueList<ProtectedVmEvent> Graded(
        ProtectedVmState state, RecordRecoveryPointsGraded command, DecisionContext context)
    {
        var rising = state.Points
            .Where(kept => kept.Usable && kept.Point.Grade < command.Grade && command.Points.Contains(kept.Id))
            .Select(kept => kept.Id).ToValueList();
        return rising.Count == 0 ? [] : [new RecoveryPointsGraded(context.Now, command.Grade, rising)];
    }

    // From the commit on only the committed point exists; a late one is part of what the commit dropped.
    private static bool KeepsPoints(Phase phase) =>
        phase is Phase.InitialReplication or Phase.Finalizing or Phase.Protected or Phase.FailingOver
            or Phase.CommitPending or Phase.ChangingPoint or Phase.Cancelling { Direction: Direction.ToRecovery };

    // Only while protected: during a failover every point may still be chosen. Points that may go wait for others that
    // may, so that there is not an event and an effect for each; who keeps only the newest point waits for none.
    private static ValueList<ProtectedVmEvent> Expired(ProtectedVmState state, DecisionContext context, int together)
    {
        if (state.Phase is not Phase.Protected)
        {
            return [];
        }

        var expired = Retention.Expired(state.Points, state.Enrollment.Policy.Retention, Held(state.TestFailover));
        var enough = state.Enrollment.Policy.Retention == TimeSpan.Zero ? 1 : together;
        return expired.Count < enough ? [] : [new RecoveryPointsExpired(context.Now, expired)];
    }

    private static ValueList<RecoveryPointId> Held(TestFailover test) => test switch
    {
        TestFailover.Starting starting => [starting.Point.Id],
        TestFailover.Active active => [active.Point],
        _ => [],
    };
}

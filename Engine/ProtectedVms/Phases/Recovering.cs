using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Engine.Scenarios;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>
/// The rules of recovery from a replica whose journal was lost: a new history begins, in the phase that
/// <see cref="RecoveredAs"/> names. A VM that has a history cannot be recovered.
/// </summary>
internal static class Recovering
{
    public static Decision<ProtectedVmEvent> Decide(ProtectedVmState state, Recover command, DecisionContext context)
    {
        if (state.EventCount > 0)
        {
            return Refuse(new ProtectedVmRefusal.InvalidRequest(
                [$"'{state.Enrollment.Vm}' has a history of {state.EventCount} events; only a VM without one is "
                    + "recovered from its replica."]));
        }

        ValueList<string> problems = [.. Problems(command)];
        if (problems.Count > 0)
        {
            return Refuse(new ProtectedVmRefusal.InvalidRequest(problems));
        }

        // A comparison of all disks is ordered at once, because no record is left of what the source did meanwhile.
        var recovered = new ProtectionRecovered(
            context.Now, context.Actor, command.Enrollment, command.Term, command.As, command.Point, command.Points);
        return command.As == RecoveredAs.Protected
            ? Accept(recovered, new ResyncStarted(
                context.Now, context.Actor, [ResyncReason.UserRequest], Ordered: true))
            : Accept(recovered);
    }

    public static ProtectedVmState Evolve(ProtectedVmState state, ProtectionRecovered e)
    {
        if (state.EventCount != 1)
        {
            throw state.Impossible(e);
        }

        // Only the lost journal knew which points were held, so none is. All points of the replica are still there, and
        // none expires by itself before a new one is sealed, which is after the comparison of all disks. Until then
        // users can hold points again.
        var phase = PhaseAfter(e);
        return state.Enter(phase) with
        {
            Enrollment = e.Enrollment,
            Term = e.Term,
            ReplicaSince = e.At,
            Finalized = e.As != RecoveredAs.InitialReplication,
            Points = e.Points.Aggregate(state.Points, RetentionClock.Insert),
            Replication = phase is Phase.InitialReplication or Phase.Protected
                ? ReplicationState.Started : ReplicationState.Idle,
            PointSchedule = Points.ScheduleIn(phase, state, e.At),
            Jobs = phase is Phase.Reprotecting
                ? state.Jobs.Start(state.EventCount, JobKind.Reprotect, e.By, "Replication started", e.At) : state.Jobs,
            FenceSince = phase is Phase.CommitPending or Phase.FailedOver ? state.EventCount : null,
        };
    }

    private static IEnumerable<string> Problems(Recover command)
    {
        var (enrollment, points) = (command.Enrollment, command.Points);
        if (ScenarioCatalog.Find(enrollment.ScenarioId) is null)
        {
            yield return $"Scenario '{enrollment.ScenarioId}' is unknown to this version of the engine.";
        }

        foreach (var problem in Enabling.NameProblems(enrollment.Vm, enrollment.Agent)
            .Concat(Enabling.DiskProblems(enrollment.Disks)))
        {
            yield return problem;
        }

        if (command.Term.CompareTo(Term.First) < 0)
        {
            yield return $"Term {command.Term} is below 1.";
        }

        if (points.Select(point => point.Id).Distinct().Count() < points.Count)
        {
            yield return "A recovery point is given twice.";
        }

        var needsPoint = command.As is RecoveredAs.CommitPending or RecoveredAs.FailedOver;
        if (needsPoint && points.IndexOf(point => point.Id == command.Point) < 0)
        {
            yield return "The recovery point of the failed-over VM is not among the remaining points.";
        }

        if (command.As == RecoveredAs.FailedOver && points.Count != 1)
        {
            yield return $"A committed failover has one recovery point, but {points.Count} remain.";
        }
    }

    // What the failover lost is no longer known; the new history holds nothing older than its point.
    private static Phase PhaseAfter(ProtectionRecovered e)
    {
        var stood = e.Points.FirstOrDefault(point => point.Id == e.Point);
        var recovery = stood is null ? null : new Recovery(
            FailoverKind.Unplanned, stood.Id, e.At > stood.Time ? e.At - stood.Time : TimeSpan.Zero,
            e.Enrollment.Disks.Count, e.At, e.At);
        return (e.As, recovery) switch
        {
            (RecoveredAs.InitialReplication, _) => new Phase.InitialReplication(),
            (RecoveredAs.Protected, _) => new Phase.Protected(),
            (RecoveredAs.CommitPending, { } on) => new Phase.CommitPending(on),
            (RecoveredAs.FailedOver, { } on) => new Phase.FailedOver(on),
            (RecoveredAs.Reprotecting, _) => new Phase.Reprotecting(Direction.ToPrimary, Started: false),
            (RecoveredAs.FailbackCommitPending, _) => new Phase.FailbackCommitPending(),
            (RecoveredAs.FailedBack, _) => new Phase.FailedBack(),
            (RecoveredAs.Disabled, _) => new Phase.Disabled(ReplicaKept: true, PrimarySide.Source),
            (RecoveredAs.DisabledAtTarget, _) => new Phase.Disabled(ReplicaKept: true, PrimarySide.Target),
            _ => throw new ImpossibleEventException(
                $"VM '{e.Enrollment.Vm}' cannot be recovered as {e.As} without its recovery point."),
        };
    }
}

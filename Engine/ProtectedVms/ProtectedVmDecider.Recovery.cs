using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Scenarios;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmDecider
{
    // A comparison of all disks is ordered at once, because nothing that is left says what the source did meanwhile.
    private static Decision<ProtectedVmEvent> OnRecover(
        ProtectedVmState state, Recover command, DecisionContext context)
    {
        if (state.EventCount > 0)
        {
            return Refuse(new ProtectedVmRefusal.InvalidRequest(
                [$"'{state.Enrollment.Vm}' has a history of {state.EventCount} events; only a VM without one is "
                    + "recovered from its replica."]));
        }

        ValueList<string> problems = [.. RecoveryProblems(command)];
        if (problems.Count > 0)
        {
            return Refuse(new ProtectedVmRefusal.InvalidRequest(problems));
        }

        var recovered = new ProtectionRecovered(
            context.Now, context.Actor, command.Enrollment, command.Term, command.As, command.Point, command.Points);
        return command.As == RecoveredAs.Protected
            ? Accept(recovered, new ResyncStarted(
                context.Now, context.Actor, [ResyncReason.UserRequest], Ordered: true))
            : Accept(recovered);
    }

    private static IEnumerable<string> RecoveryProblems(Recover command)
    {
        var (enrollment, points) = (command.Enrollment, command.Points);
        if (ScenarioCatalog.Find(enrollment.ScenarioId) is null)
        {
            yield return $"Scenario '{enrollment.ScenarioId}' is not known to this version of the engine.";
        }

        foreach (var problem in NameProblems(new Enable(
            enrollment.Vm, enrollment.Disks, enrollment.ScenarioId, enrollment.Policy, enrollment.Agent))
            .Concat(DiskProblems(enrollment.Disks)))
        {
            yield return problem;
        }

        if (command.Term.CompareTo(Identifiers.Term.First) < 0)
        {
            yield return $"Term {command.Term} is below 1.";
        }

        if (points.Select(point => point.Id).Distinct().Count() < points.Count)
        {
            yield return "A recovery point is named twice.";
        }

        var needsPoint = command.As is RecoveredAs.CommitPending or RecoveredAs.FailedOver;
        if (needsPoint && points.IndexOf(point => point.Id == command.Point) < 0)
        {
            yield return "A failed-over VM stands on a recovery point, which is not among those that are left.";
        }

        if (command.As == RecoveredAs.FailedOver && points.Count != 1)
        {
            yield return $"A committed failover has one recovery point, but {points.Count} are left.";
        }
    }
}

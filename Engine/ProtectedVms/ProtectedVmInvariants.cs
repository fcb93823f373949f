using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>The invariants of every state, whatever happened before.</summary>
internal static class ProtectedVmInvariants
{
    private static readonly (string Name, Func<ProtectedVmState, bool> Holds)[] All =
    [
        ("the term is at least 1", state => state.Term.Value >= Term.First.Value),
        ("a failover has a higher term than the one before", state =>
            state.Phase is not Phase.FailingOver over || over.PreviousTerm.CompareTo(state.Term) < 0),
        ("the phase began with an event that happened", state => state.PhaseSince <= state.EventCount),
        ("points are in order", PointsInOrder),
        ("no point is both kept and pruned", state =>
            state.Prune is not { } prune || state.Points.IndexOf(point => prune.Points.Contains(point.Id)) < 0),
        ("every point in use is kept", HeldPointsKept),
        ("after the commit only the committed point is kept", state =>
            state.Phase is not Phase.FailedOver || state.Points.Count == 1),
        ("no held point is being deleted", NoHeldPointDeleted),
        ("replication is active in the phases that have it, and only there", state =>
            state.Replication.Active == HasReplication(state.Phase)),
        ("inactive replication is neither paused, ordered nor faulty", state =>
            state.Replication is { Active: true } or { Paused: false, Order: null, Fault: null }),
        ("points are made only while protected", state =>
            state.Phase is Phase.Protected || state.PointSchedule is { NextAt: null, Pending: null }),
        ("the source is fenced only after a failover", state =>
            state.FenceSince is null || state.Phase is Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint
                or Phase.Committing or Phase.FailedOver),
        ("a test failover exists only during protection or an uncommitted failover", state =>
            state.TestFailover is TestFailover.None || state.Phase is Phase.Protected or Phase.FailingOver
                or Phase.CommitPending or Phase.ChangingPoint or Phase.Cancelling),
        ("there is one retry for an effect", state => Distinct(state.Retries, retry => (int)retry.Kind)),
        ("there is one health cause of a kind", state => Distinct(state.Causes, cause => (int)cause.Kind)),
        ("one job of a kind runs", state => Distinct(
            state.Jobs, job => job.Outcome == JobOutcome.Running ? (int)job.Kind : null)),
    ];

    /// <summary>Throws <see cref="InvariantViolationException"/> when the state breaks an invariant.</summary>
    public static void Check(ProtectedVmState state)
    {
        foreach (var (name, holds) in All)
        {
            if (!holds(state))
            {
                throw new InvariantViolationException(
                    $"VM '{state.Enrollment.Vm}' after event {state.EventCount} in phase {PhaseName.Of(state.Phase)}: "
                    + $"the invariant '{name}' is violated.");
            }
        }
    }

    private static bool HasReplication(Phase phase) =>
        phase is Phase.InitialReplication or Phase.Finalizing or Phase.Protected or Phase.ProtectedReverse;

    private static bool PointsInOrder(ProtectedVmState state)
    {
        for (var index = 1; index < state.Points.Count; index++)
        {
            var (before, after) = (state.Points[index - 1], state.Points[index]);
            if (RetentionClock.Compare(before.Point, after.Point) > 0 || before.Age > after.Age)
            {
                return false;
            }
        }

        return true;
    }

    private static bool HeldPointsKept(ProtectedVmState state)
    {
        var byPhase = state.Phase switch
        {
            Phase.FailingOver { Point: { SealNow: false } point } => point.Id,
            Phase.CommitPending pending => pending.Recovery.Point,
            Phase.ChangingPoint changing =>
                Kept(state, changing.Recovery.Point) ? changing.Next : changing.Recovery.Point,
            Phase.Committing committing => committing.Recovery.Point,
            Phase.FailedOver over => over.Recovery.Point,
            _ => (RecoveryPointId?)null,
        };
        var byTest = state.TestFailover switch
        {
            TestFailover.Starting { Point: { SealNow: false } point } => point.Id,
            TestFailover.Active active => active.Point,
            _ => (RecoveryPointId?)null,
        };
        return (byPhase is not { } one || Kept(state, one)) && (byTest is not { } other || Kept(state, other));
    }

    private static bool NoHeldPointDeleted(ProtectedVmState state) => state.Phase switch
    {
        Phase.Committing committing =>
            ProtectedVmOperations.NoneHeld(state, Operation.Commit, committing.Recovery.Point) is null,
        Phase.Disabling { KeepReplica: false } => ProtectedVmOperations.NoneHeld(state, Operation.Disable) is null,
        _ => true,
    };

    private static bool Kept(ProtectedVmState state, RecoveryPointId id) =>
        state.Points.IndexOf(point => point.Id == id) >= 0;

    // Small numbers, so a set of bits does; this runs after every event.
    private static bool Distinct<T>(ValueList<T> items, Func<T, int?> number)
    {
        var seen = 0L;
        foreach (var item in items)
        {
            if (number(item) is { } value)
            {
                var bit = 1L << value;
                if ((seen & bit) != 0)
                {
                    return false;
                }

                seen |= bit;
            }
        }

        return true;
    }
}

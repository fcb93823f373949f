using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmDecider
{
    private static Decision<ProtectedVmEvent> OnStartTestFailover(
        ProtectedVmState state, ProtectedVmCommand.StartTestFailover command, DecisionContext context)
    {
        var refusal = ProtectedVmOperations.Check(state, Operation.TestFailover)
            ?? Choose(state, command.Choice, context, out _);
        if (refusal is not null)
        {
            return Refuse(refusal);
        }

        Choose(state, command.Choice, context, out var point);
        return Accept(new TestFailoverStarted(context.Now, context.Actor, point));
    }

    private static Decision<ProtectedVmEvent> OnStartPlannedFailover(
        ProtectedVmState state, StartPlannedFailover command, DecisionContext context)
    {
        if (ProtectedVmOperations.Check(state, Operation.PlannedFailover) is { } notOffered)
        {
            return Refuse(notOffered);
        }

        return command.Writers.Count > 0 && !command.Force
            ? Refuse(new ProtectedVmRefusal.SourceHasWriters(command.Writers))
            : Accept(new FailoverStarted(
                context.Now, context.Actor, FailoverKind.Planned, SealNow(context), true, state.Term.Next())
            {
                Forced = command.Force,
            });
    }

    private static Decision<ProtectedVmEvent> OnStartUnplannedFailover(
        ProtectedVmState state, StartUnplannedFailover command, DecisionContext context)
    {
        if (ProtectedVmOperations.Check(state, Operation.UnplannedFailover) is { } notOffered)
        {
            return Refuse(notOffered);
        }

        return Choose(state, command.Choice, context, out var point) is { } refusal
            ? Refuse(refusal)
            : Accept(new FailoverStarted(
                context.Now, context.Actor, FailoverKind.Unplanned, point, command.TryShutdown, state.Term.Next()));
    }

    private static Decision<ProtectedVmEvent> OnChangeRecoveryPoint(
        ProtectedVmState state, ChangeRecoveryPoint command, DecisionContext context)
    {
        if (ProtectedVmOperations.Check(state, Operation.ChangeRecoveryPoint) is { } notOffered)
        {
            return Refuse(notOffered);
        }

        var refusal = Choose(state, command.Choice, context, out var point);
        return state.Phase is Phase.CommitPending pending && pending.Recovery.Point == point.Id
                ? Refuse(new ProtectedVmRefusal.SamePoint(point.Id))
            : refusal is not null ? Refuse(refusal)
            : Accept(new RecoveryPointChangeStarted(context.Now, context.Actor, point.Id));
    }

    private static Decision<ProtectedVmEvent> OnCancelFailover(
        ProtectedVmState state, ProtectedVmCommand.CancelFailover command, DecisionContext context)
    {
        if (ProtectedVmOperations.Check(state, Operation.CancelFailover) is { } refusal)
        {
            return Refuse(refusal);
        }

        // Until the side that takes over is known to be writable, nobody was given its disks: nothing can be lost.
        var bytes = state.Phase is Phase.CommitPending or Phase.ChangingPoint
            ? Math.Max(0, command.TargetWrittenBytes) : 0;
        return bytes > 0 && !command.Discard
            ? Refuse(new ProtectedVmRefusal.TargetHasWrites(bytes))
            : Accept(new CancelStarted(context.Now, context.Actor, bytes, state.Term.Next()));
    }

    // What a source that was fenced says it wrote alone, what one that nobody has heard of may have written, and what
    // the points held that were newer than the chosen one. A planned failover takes everything along, and what a
    // failback has left behind is the recovered machine's own past.
    private static Decision<ProtectedVmEvent> OnReprotect(
        ProtectedVmState state, Reprotect command, DecisionContext context)
    {
        if (ProtectedVmOperations.Check(state, Operation.Reprotect) is { } refusal)
        {
            return Refuse(refusal);
        }

        if (state.Phase is not Phase.FailedOver over)
        {
            return Accept(new ReprotectStarted(context.Now, context.Actor, Direction.ToRecovery));
        }

        var heard = state.DivergentBytes;
        var mayHave = MayOverwrite(state, over.Recovery);
        return command.Discard || !(mayHave || over.GaveUpNewerPoints)
                ? Accept(new ReprotectStarted(context.Now, context.Actor, Direction.ToPrimary)
                {
                    DiscardedBytes = heard ?? 0,
                    DiscardedUnknown = over.GaveUpNewerPoints || (mayHave && heard is null),
                })
            : mayHave ? Refuse(new ProtectedVmRefusal.SourceHasWrites(heard, state.Enrollment.Agent))
            : Refuse(new ProtectedVmRefusal.SourceIsNewer(over.Recovery.Point));
    }

    private static bool MayOverwrite(ProtectedVmState state, Recovery recovery) =>
        state.DivergentBytes is > 0
        || (state.DivergentBytes is null && recovery.Kind == FailoverKind.Unplanned);

    private static ProtectedVmRefusal? Choose(
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

    private static ChosenPoint SealNow(DecisionContext context) => new(new RecoveryPointId(context.NewGuid(0)), true);
}

using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Scenarios;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands of a failover until it is committed or undone.</summary>
public abstract record FailingOverCommand : ProtectedVmCommand
{
    private protected FailingOverCommand()
    {
    }
}

/// <summary>The events of a failover until it is committed or undone.</summary>
public abstract record FailingOverEvent : ProtectedVmEvent
{
    private protected FailingOverEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of a failover up to commit pending (FOV-2 to FOV-4). The source stops or is abandoned, the target becomes
/// writable, and the recovery point can be changed. <see cref="Settling"/> ends the failover.
/// </summary>
internal static class FailingOver
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, FailingOverCommand command, DecisionContext context) => command switch
    {
        StartPlannedFailover c => NotOffered(state, Operation.PlannedFailover)
            ?? (c.Writers.Count > 0 && !c.Force
                ? Refuse(new ProtectedVmRefusal.SourceHasWriters(c.Writers))
                : Accept(new FailoverStarted(
                    context.Now, context.Actor, FailoverKind.Planned, Points.SealNow(context), TryShutdown: true,
                    state.Term.Next())
                {
                    Forced = c.Force,
                })),
        StartUnplannedFailover c => NotOffered(state, Operation.UnplannedFailover)
            ?? (Points.Choose(state, c.Choice, context, out var point) is { } refusal
                ? Refuse(refusal)
                : Accept(new FailoverStarted(
                    context.Now, context.Actor, FailoverKind.Unplanned, point, c.TryShutdown, state.Term.Next()))),
        ChangeRecoveryPoint c => OnChangePoint(state, c, context),
        RecordSourceFenced c => OnSourceFenced(state, c, context),
        _ => Accept(),
    };

    /// <summary>
    /// Returns the events that follow a finished effect of a failover; null when the result does not belong to the
    /// effect.
    /// </summary>
    public static ValueList<ProtectedVmEvent>? Succeeded(
        ProtectedVmState state, ProtectedVmEffect effect, EffectResult result, DecisionContext context) =>
        (effect, result, state.Phase) switch
        {
            (ProtectedVmEffect.QuiesceSource, EffectResult.Quiesced quiesced, _) =>
                [Quiesced(state, quiesced, context)],
            (ProtectedVmEffect.PrepareFailover, EffectResult.FailoverReady ready, Phase.FailingOver over)
                when ready.Point.Id == over.Point.Id => Ready(state, over, ready, context),
            (ProtectedVmEffect.SwitchRecoveredPoint, EffectResult.FailoverReady ready, Phase.ChangingPoint changing)
                when ready.Point.Id == changing.Next =>
                [
                    new RecoveryPointChanged(context.Now, changing.Recovery with
                    {
                        Point = changing.Next, RpoBound = ready.RpoBound, Exports = ready.Exports,
                        ReadyAt = context.Now,
                    }),
                ],
            _ => null,
        };

    public static ProtectedVmState Evolve(ProtectedVmState state, FailingOverEvent @event) => @event switch
    {
        FailoverStarted e => Start(state, e),
        WritesQuiesced e => Promote(state, e),
        FailoverReady e => AwaitCommit(state, e),
        RecoveryPointChangeStarted e => ChangePoint(state, e),
        RecoveryPointChanged e => StayOrMove(state, e, e.Recovery, null),
        RecoveryPointChangeFailed e => StayOrMove(state, e, null, e.Error),
        SourceFenced e => (state with { FenceSince = null, DivergentBytes = e.DivergentBytes }).Raise(FencedCause(e)),
        _ => throw state.Impossible(@event),
    };

    /// <summary>Returns the job kind of a failover.</summary>
    public static JobKind JobOf(FailoverKind kind) =>
        kind == FailoverKind.Planned ? JobKind.PlannedFailover : JobKind.UnplannedFailover;

    private static Decision<ProtectedVmEvent> OnChangePoint(
        ProtectedVmState state, ChangeRecoveryPoint command, DecisionContext context)
    {
        if (NotOffered(state, Operation.ChangeRecoveryPoint) is { } refused)
        {
            return refused;
        }

        var refusal = Points.Choose(state, command.Choice, context, out var point);
        var bytes = Math.Max(0, command.TargetWrittenBytes);
        return state.Phase is Phase.CommitPending pending && pending.Recovery.Point == point.Id
                ? Refuse(new ProtectedVmRefusal.SamePoint(point.Id))
            : refusal is not null ? Refuse(refusal)
            : bytes > 0 && !command.Discard
                ? Refuse(new ProtectedVmRefusal.TargetHasWrites(bytes, Operation.ChangeRecoveryPoint))
            : Accept(new RecoveryPointChangeStarted(context.Now, context.Actor, point.Id) { DiscardedBytes = bytes });
    }

    private static Decision<ProtectedVmEvent> OnSourceFenced(
        ProtectedVmState state, RecordSourceFenced command, DecisionContext context)
    {
        var expected = state.Phase is Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint
            or Phase.Committing or Phase.FailedOver;
        var fenced = new SourceFenced(context.Now, command.DivergentBytes);
        var news = state.FenceSince is not null
            || !state.Causes.Any(cause => cause == FencedCause(fenced) with { Since = cause.Since });
        return expected && news ? Accept(fenced) : Accept();
    }

    private static ProtectedVmEvent Quiesced(
        ProtectedVmState state, EffectResult.Quiesced result, DecisionContext context)
    {
        var scenario = ProtectedVmOperations.ScenarioOf(state);
        var unconfirmed = state.Phase is Phase.FailingOver { Kind: FailoverKind.Planned }
            && scenario.PlannedFailover == PlannedFailoverRule.WhenAgentConfirmsShutdown && !result.ConfirmedByAgent;
        return unconfirmed
            ? new FailoverFailed(context.Now, EffectError.Of(
                ErrorClass.NonRecoverable,
                $"Scenario {scenario.Id} allows a planned failover only when the agent confirms the shutdown, "
                    + "and it did not.",
                "Fail over unplanned."), state.Term.Next())
            : new WritesQuiesced(context.Now, result.LastLsn, null);
    }

    private static ValueList<ProtectedVmEvent> Ready(
        ProtectedVmState state, Phase.FailingOver over, EffectResult.FailoverReady ready, DecisionContext context)
    {
        var recovery = new Recovery(
            over.Kind, ready.Point.Id, ready.RpoBound, ready.Exports, over.StartedAt, context.Now);

        // A commit deletes the other points. When one of them is held, the failover waits for a user's commit.
        var commits = ProtectedVmOperations.ScenarioOf(state).Commit == CommitRule.Automatic
            && state.TestFailover is TestFailover.None
            && ProtectedVmOperations.NoneHeld(state, Operation.Commit, ready.Point.Id) is null;
        ValueList<ProtectedVmEvent> events =
            [.. Points.Sealed(state, ready.Point, context), new FailoverReady(context.Now, recovery)];
        return commits ? events.Add(new CommitStarted(context.Now, ProtectedVm.EngineActor)) : events;
    }

    private static ProtectedVmState Start(ProtectedVmState state, FailoverStarted e)
    {
        if (state.Phase is not (Phase.Protected or Phase.InitialReplication or Phase.Finalizing)
            || e.Term != state.Term.Next())
        {
            throw state.Impossible(e);
        }

        var planned = e.Kind == FailoverKind.Planned;
        var step = planned || e.TryShutdown ? FailoverStep.Quiescing : FailoverStep.Promoting;
        var name = step == FailoverStep.Quiescing ? "Source stopped, last changes shipped" : "Target made writable";
        var stopped = state.StopReplication().Without(
            HealthKind.RpoExceeded, HealthKind.NoRecentPoint, HealthKind.CacheFull, HealthKind.OperationFailed,
            HealthKind.SourceNotServed, HealthKind.ReplicationStalled, HealthKind.NoHooks,
            HealthKind.AppConsistencyFailed);
        return stopped.Enter(new Phase.FailingOver(e.Kind, step, e.Point, state.Term, e.At) { Forced = e.Forced }) with
        {
            Term = e.Term,
            DivergentBytes = null,
            FenceSince = planned ? null : state.EventCount,
            Replication = ReplicationState.Idle with { Resync = Halted(state, e.At) },
            Jobs = state.Jobs
                .End(JobKind.Resync, JobOutcome.Cancelled, e.At, "A failover began.")
                .End(JobKind.RecoveryPoint, JobOutcome.Cancelled, e.At, "A failover began.")
                .End(JobKind.InitialReplication, JobOutcome.Cancelled, e.At, "A failover began.")
                .Start(state.EventCount, JobOf(e.Kind), e.By, name, e.At),
        };
    }

    // A failover stops a resync or the initial replication. The mark stays in case the failover is undone.
    private static ResyncMark? Halted(ProtectedVmState state, DateTimeOffset at) =>
        state.Phase is Phase.InitialReplication
            ? new ResyncMark([ResyncReason.TransferFailed], at, ResyncStage.Running, null, 0)
            : state.Replication.Resync;

    private static ProtectedVmState Promote(ProtectedVmState state, WritesQuiesced e) => state.Phase switch
    {
        Phase.FailingOver { Step: FailoverStep.Quiescing } over =>
            state.Enter(over with { Step = FailoverStep.Promoting }) with
            {
                Jobs = state.Jobs.NextStep(JobOf(over.Kind), "Target made writable", e.At),
            },
        Phase.FailingBack { Step: FailoverStep.Quiescing } =>
            state.Enter(new Phase.FailingBack(FailoverStep.Promoting)) with
            {
                Jobs = state.Jobs.NextStep(JobKind.Failback, "Source made writable", e.At),
            },
        _ => throw state.Impossible(e),
    };

    private static ProtectedVmState AwaitCommit(ProtectedVmState state, FailoverReady e)
    {
        var over = state.Expect<Phase.FailingOver>(e);
        return over.Step == FailoverStep.Promoting
            ? state.Enter(new Phase.CommitPending(e.Recovery)) with
            {
                Jobs = state.Jobs.End(JobOf(over.Kind), JobOutcome.Succeeded, e.At),
            }
            : throw state.Impossible(e);
    }

    private static ProtectedVmState ChangePoint(ProtectedVmState state, RecoveryPointChangeStarted e) =>
        state.Enter(new Phase.ChangingPoint(state.Expect<Phase.CommitPending>(e).Recovery, e.Point)) with
        {
            Jobs = state.Jobs.Start(
                state.EventCount, JobKind.ChangeRecoveryPoint, e.By, "Target moved to the other point", e.At),
        };

    private static ProtectedVmState StayOrMove(
        ProtectedVmState state, ProtectedVmEvent e, Recovery? moved, EffectError? error)
    {
        var changing = state.Expect<Phase.ChangingPoint>(e);
        var next = state.Enter(new Phase.CommitPending(moved ?? changing.Recovery)) with
        {
            Jobs = state.Jobs.End(
                JobKind.ChangeRecoveryPoint, error is null ? JobOutcome.Succeeded : JobOutcome.Failed, e.At,
                error?.InWords()),
        };
        return error is null ? next.Without(HealthKind.OperationFailed)
            : next.RaiseGivenUp("change of recovery point", error, e.At);
    }

    private static HealthCause FencedCause(SourceFenced e) => new(
        HealthKind.SourceFenced, "", HealthLevel.Warning,
        $"The old source is fenced; it has {e.DivergentBytes} bytes that only it has written.",
        e.DivergentBytes == 0 ? "" : "Save them from its disks, which are served read-only, before a reprotect with "
            + "--discard makes the old source equal to the recovered machine.", e.At);
}

using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Scenarios;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmDecider
{
    private static Decision<ProtectedVmEvent> OnEffectSucceeded(
        ProtectedVmState state, RecordEffectSucceeded command, DecisionContext context)
    {
        if (Owed(state, command.Effect) is not { } effect)
        {
            return Accept();
        }

        return (effect, command.Result) switch
        {
            (ProtectedVmEffect.CheckPrerequisites, EffectResult.PrerequisitesMet met) =>
                Accept(new PrerequisitesChecked(context.Now, met.Disks)),
            (ProtectedVmEffect.QuiesceSource or ProtectedVmEffect.QuiesceTarget, EffectResult.Quiesced quiesced) =>
                Accept(Quiesced(state, quiesced, context)),
            (ProtectedVmEffect.PrepareFailover, EffectResult.FailoverReady ready)
                when state.Phase is Phase.FailingOver over && ready.Point.Id == over.Point.Id =>
                Accept([.. Ready(state, over, ready, context)]),
            (ProtectedVmEffect.SwitchRecoveredPoint, EffectResult.FailoverReady ready)
                when state.Phase is Phase.ChangingPoint changing && ready.Point.Id == changing.Next =>
                Accept(new RecoveryPointChanged(context.Now, changing.Recovery with
                {
                    Point = changing.Next, RpoBound = ready.RpoBound, Exports = ready.Exports, ReadyAt = context.Now,
                })),
            (ProtectedVmEffect.StartTestFailover start, EffectResult.TestFailoverReady ready)
                when ready.Point.Id == start.Point.Id =>
                Accept([
                    .. Sealed(state, ready.Point, context),
                    new TestFailoverReady(context.Now, ready.Point.Id, ready.Exports)]),
            (ProtectedVmEffect.TakeRecoveryPoint, EffectResult.Done) => Accept(),
            (_, EffectResult.Done) => Done(state, effect, context),
            _ => Unexpected(effect, command.Result),
        };
    }

    private static Decision<ProtectedVmEvent> Done(
        ProtectedVmState state, ProtectedVmEffect effect, DecisionContext context)
    {
        var now = context.Now;
        return effect switch
        {
            ProtectedVmEffect.AttachSource => Accept(new SourceAttached(now)),
            ProtectedVmEffect.PrepareTarget => Accept(new TargetPrepared(now)),
            ProtectedVmEffect.StartInitialReplication => Accept(new InitialReplicationStarted(now)),
            ProtectedVmEffect.FinalizeProtection => Accept(new ProtectionFinalized(now)),
            ProtectedVmEffect.CleanUpTestFailover => Accept(new TestFailoverCleanedUp(now)),
            ProtectedVmEffect.CommitFailover =>
                Accept([new FailoverCommitted(now), .. Onwards(state, Direction.ToPrimary, now)]),
            ProtectedVmEffect.CommitFailback =>
                Accept([new FailbackCommitted(now), .. Onwards(state, Direction.ToRecovery, now)]),
            ProtectedVmEffect.CancelFailover => Accept(new FailoverCancelled(now)),
            ProtectedVmEffect.PromoteSource => Accept(new FailbackReady(now)),
            ProtectedVmEffect.ReleaseProtection when state.Phase is Phase.Disabling =>
                Accept(new ProtectionDisabled(now)),
            ProtectedVmEffect.PrunePoints or ProtectedVmEffect.PauseReplication or ProtectedVmEffect.ResumeReplication
                or ProtectedVmEffect.StartResync or ProtectedVmEffect.FenceSource
                or ProtectedVmEffect.StartReverseReplication or ProtectedVmEffect.StartForwardReplication
                or ProtectedVmEffect.ReleaseProtection => Accept(new EffectConfirmed(now, effect.Kind)),
            _ => Unexpected(effect, new EffectResult.Done()),
        };
    }

    // A scenario whose reverse replication is automatic needs no one to ask for it (SCN-5), unless what the old source
    // wrote alone may be lost by it: then a person decides.
    private static ValueList<ProtectedVmEvent> Onwards(
        ProtectedVmState state, Direction direction, DateTimeOffset now) =>
        ProtectedVmOperations.ScenarioOf(state).ReverseReplication == ReverseReplicationRule.Automatic
        && !(state.Phase is Phase.Committing committing && MayOverwrite(state, committing.Recovery))
            ? [new ReprotectStarted(now, ProtectedVm.EngineActor, direction)]
            : [];

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
        var commits = ProtectedVmOperations.ScenarioOf(state).Commit == CommitRule.Automatic
            && state.TestFailover is TestFailover.None;
        ValueList<ProtectedVmEvent> events =
            [.. Sealed(state, ready.Point, context), new FailoverReady(context.Now, recovery)];
        return commits ? events.Add(new CommitStarted(context.Now, ProtectedVm.EngineActor)) : events;
    }

    private static Decision<ProtectedVmEvent> OnEffectFailed(
        ProtectedVmState state, RecordEffectFailed command, DecisionContext context)
    {
        if (Owed(state, command.Effect) is not { } effect)
        {
            return Accept();
        }

        var (now, error) = (context.Now, command.Error);
        var forGood = error.Class == ErrorClass.NonRecoverable;
        return Accept(effect switch
        {
            ProtectedVmEffect.TakeRecoveryPoint take => new RecoveryPointSkipped(now, take.Point, error.Message),
            ProtectedVmEffect.QuiesceSource { BestEffort: true } => new WritesQuiesced(now, Lsn.None, error),
            ProtectedVmEffect.ResumeReplication when state.Replication.Fault is not null =>
                Faulted(state, error, context),
            ProtectedVmEffect.FenceSource => Failed(
                state, effect.Kind, error with { Class = ErrorClass.Recoverable }, context),
            ProtectedVmEffect.CheckPrerequisites when forGood => new EnableFailed(now, error, false),
            ProtectedVmEffect.AttachSource or ProtectedVmEffect.PrepareTarget
                or ProtectedVmEffect.StartInitialReplication
                when forGood => new EnableFailed(now, error, true),
            ProtectedVmEffect.QuiesceSource or ProtectedVmEffect.PrepareFailover or ProtectedVmEffect.QuiesceTarget
                or ProtectedVmEffect.PromoteSource when forGood => new FailoverFailed(now, error, state.Term.Next()),
            ProtectedVmEffect.SwitchRecoveredPoint when forGood => new RecoveryPointChangeFailed(now, error),
            ProtectedVmEffect.StartTestFailover when forGood =>
                new TestFailoverCleanUpStarted(now, ProtectedVm.EngineActor, "", error),
            _ => Failed(state, effect.Kind, error, context),
        });
    }

    private static EffectFailed Failed(
        ProtectedVmState state, EffectKind kind, EffectError error, DecisionContext context)
    {
        var failures = (state.Retries.FirstOrDefault(retry => retry.Kind == kind)?.Failures ?? 0) + 1;
        return new EffectFailed(context.Now, kind, error, failures, RetryAt(error, failures, context));
    }

    private static Decision<ProtectedVmEvent> OnTimerDue(
        ProtectedVmState state, ProtectedVmCommand.TimerDue command, DecisionContext context)
    {
        if (!ProtectedVmTimers.IsKnown(command.Name))
        {
            return Refuse(new ProtectedVmRefusal.UnknownTimer(command.Name));
        }

        if (!ProtectedVmTimers.Of(state).Contains(new DurableTimer(command.Name, command.DueAt)))
        {
            return Accept();
        }

        // A timer that is told of has come due, whatever a clock that was set back says. What follows from it is
        // reckoned from the clock as it stands now, or the next timer would be as far away as it was set back (I26).
        var now = context.Now;
        ValueList<ProtectedVmEvent> events = command.Name switch
        {
            ProtectedVmTimers.Point => Requested(state, DueKind(state, now), ProtectedVm.EngineActor, context),
            ProtectedVmTimers.NoPoint => Raised(
                state, context, HealthKind.NoRecentPoint, HealthLevel.Critical,
                $"There is no usable recovery point of the last "
                    + $"{ProtectedVmTimers.NoPointAfter(state.Enrollment.Policy).TotalMinutes:0} minutes.",
                "See the other causes, which say why none is made; a failover reaches back to the last usable point."),
            ProtectedVmTimers.Resync => ResyncDue(state, now),
            ProtectedVmTimers.ReplicationRetry => [new ReplicationRetried(now, ProtectedVm.EngineActor)],
            _ => [new EffectRetried(now, ProtectedVm.EngineActor, ProtectedVmTimers.RetriedBy(command.Name))],
        };
        return Decision<ProtectedVmEvent>.Accept(events.Items.AsSpan());
    }

    private static ValueList<ProtectedVmEvent> Retried(
        ProtectedVmState state, DecisionContext context, Func<Retry, bool> which, bool replication)
    {
        var events = state.Retries.Where(retry => retry.Waiting && which(retry))
            .Select(ProtectedVmEvent (retry) => new EffectRetried(context.Now, context.Actor, retry.Kind));
        return replication && state.Replication is { Active: true, Paused: false, Fault: not null }
            ? [.. events, new ReplicationRetried(context.Now, context.Actor)]
            : events.ToValueList();
    }

    private static ProtectedVmEffect? Owed(ProtectedVmState state, EffectId id)
    {
        foreach (var effect in ProtectedVmObligations.Outstanding(state))
        {
            if (effect.Id == id)
            {
                return (ProtectedVmEffect)effect;
            }
        }

        return null;
    }

    private static Decision<ProtectedVmEvent> Unexpected(ProtectedVmEffect effect, EffectResult result) =>
        Refuse(new ProtectedVmRefusal.UnexpectedResult(effect.Kind, result.GetType().Name));
}

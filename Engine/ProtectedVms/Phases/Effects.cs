using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands about effects: their outcomes, their retries, and durable timers.</summary>
public abstract record EffectCommand : ProtectedVmCommand
{
    private protected EffectCommand()
    {
    }
}

/// <summary>The events of effects that have no event of their phase.</summary>
public abstract record EffectEvent : ProtectedVmEvent
{
    private protected EffectEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of effects, in every phase. An outcome counts only while its effect is outstanding, and the effect's phase
/// interprets it. A failure is retried on a schedule or waits for an operator (ERR-1 to ERR-3).
/// </summary>
internal static class Effects
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, EffectCommand command, DecisionContext context) => command switch
    {
        TimerDue c => OnTimerDue(state, c, context),
        RetryJob => NotOffered(state, Operation.RetryJob)
            ?? AcceptAll(Retried(state, context, _ => true, replication: true)),
        RecordEffectSucceeded c => OnSucceeded(state, c, context),
        RecordEffectFailed c => OnFailed(state, c, context),
        _ => Accept(),
    };

    /// <summary>Creates the event of an effect that failed once more in a row and is retried.</summary>
    public static EffectFailed Failed(
        ProtectedVmState state, EffectKind kind, EffectError error, DecisionContext context)
    {
        var failures = (state.Retries.FirstOrDefault(retry => retry.Kind == kind)?.Failures ?? 0) + 1;
        return new EffectFailed(context.Now, kind, error, failures, RetryAt(error, failures, context));
    }

    /// <summary>Returns when a failed effect is retried (UTC); null when an operator must intervene.</summary>
    public static DateTimeOffset? RetryAt(EffectError error, int failures, DecisionContext context) =>
        error.Class == ErrorClass.Recoverable ? context.Now + RetrySchedule.DelayAfter(failures) : null;

    /// <summary>
    /// Returns the events that retry work immediately once the agent is back, instead of waiting for the schedule.
    /// </summary>
    public static ValueList<ProtectedVmEvent> AgentIsBack(ProtectedVmState state, DecisionContext context) => Retried(
        state, context, retry => retry.DueAt is not null && NeedsAgent(retry.Kind),
        replication: state.Replication.Fault?.RetryAt is not null);

    public static ProtectedVmState Evolve(ProtectedVmState state, EffectEvent @event) => @event switch
    {
        EffectConfirmed e => Confirm(state, e),
        EffectFailed e => Fail(state, e),
        EffectRetried e => Retry(state, e),
        _ => throw state.Impossible(@event),
    };

    /// <summary>
    /// Removes retries whose effect is no longer outstanding. The retry of a resync stays until the resync is done, so
    /// a resync that fails repeatedly half-way keeps to the schedule.
    /// </summary>
    public static ProtectedVmState DropSettledRetries(ProtectedVmState state)
    {
        if (state.Retries.Count == 0)
        {
            return state;
        }

        var outstanding = ProtectedVmObligations.OutstandingKinds(state);
        return state with { Retries = state.Retries.RemoveAll(retry => !Lives(retry)) };

        bool Lives(Retry retry) => outstanding.Contains(retry.Kind)
            || (retry.Kind == EffectKind.StartResync && state.Replication is { Active: true, Resync: not null });
    }

    private static Decision<ProtectedVmEvent> OnSucceeded(
        ProtectedVmState state, RecordEffectSucceeded command, DecisionContext context) =>
        Outstanding(state, command.Effect) is not { } effect ? Accept()
        : Succeeded(state, effect, command.Result, context) is { } events ? AcceptAll(events)
        : Refuse(new ProtectedVmRefusal.UnexpectedResult(effect.Kind, command.Result.GetType().Name));

    // Returns the events that the effect's phase derives from a result; null when the result does not belong to the
    // effect.
    private static ValueList<ProtectedVmEvent>? Succeeded(
        ProtectedVmState state, ProtectedVmEffect effect, EffectResult result, DecisionContext context)
    {
        var done = result is EffectResult.Done;
        return effect switch
        {
            ProtectedVmEffect.CheckPrerequisites or ProtectedVmEffect.AttachSource or ProtectedVmEffect.PrepareTarget
                or ProtectedVmEffect.StartInitialReplication or ProtectedVmEffect.FinalizeProtection =>
                One(Enabling.Succeeded(effect, result, context.Now)),
            ProtectedVmEffect.StartTestFailover or ProtectedVmEffect.CleanUpTestFailover =>
                Testing.Succeeded(state, effect, result, context),
            ProtectedVmEffect.QuiesceSource or ProtectedVmEffect.PrepareFailover
                or ProtectedVmEffect.SwitchRecoveredPoint => FailingOver.Succeeded(state, effect, result, context),
            ProtectedVmEffect.QuiesceTarget or ProtectedVmEffect.PromoteSource =>
                One(Returning.Succeeded(effect, result, context.Now)),
            ProtectedVmEffect.CommitFailover or ProtectedVmEffect.CommitFailback or ProtectedVmEffect.CancelFailover
                when done => Settling.Done(state, effect, context.Now),
            ProtectedVmEffect.ReleaseProtection when done => [Disabling.Released(state, context.Now)],
            ProtectedVmEffect.TakeRecoveryPoint when done => [],
            ProtectedVmEffect.PrunePoints or ProtectedVmEffect.PauseReplication or ProtectedVmEffect.ResumeReplication
                or ProtectedVmEffect.StartResync or ProtectedVmEffect.FenceSource
                or ProtectedVmEffect.StartReverseReplication or ProtectedVmEffect.StartForwardReplication
                when done => [new EffectConfirmed(context.Now, effect.Kind)],
            _ => null,
        };
    }

    private static ValueList<ProtectedVmEvent>? One(ProtectedVmEvent? @event) => @event is null ? null : [@event];

    private static Decision<ProtectedVmEvent> OnFailed(
        ProtectedVmState state, RecordEffectFailed command, DecisionContext context)
    {
        if (Outstanding(state, command.Effect) is not { } effect)
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
                Replicating.Faulted(state, error, context),
            ProtectedVmEffect.FenceSource => Failed(
                state, effect.Kind, error with { Class = ErrorClass.Recoverable }, context),
            ProtectedVmEffect.CheckPrerequisites when forGood => new EnableFailed(now, error, CleanUpOwed: false),
            ProtectedVmEffect.AttachSource or ProtectedVmEffect.PrepareTarget
                or ProtectedVmEffect.StartInitialReplication
                when forGood => new EnableFailed(now, error, CleanUpOwed: true),
            ProtectedVmEffect.QuiesceSource or ProtectedVmEffect.PrepareFailover or ProtectedVmEffect.QuiesceTarget
                or ProtectedVmEffect.PromoteSource when forGood => new FailoverFailed(now, error, state.Term.Next()),
            ProtectedVmEffect.SwitchRecoveredPoint when forGood => new RecoveryPointChangeFailed(now, error),
            ProtectedVmEffect.StartTestFailover when forGood =>
                new TestFailoverCleanUpStarted(now, ProtectedVm.EngineActor, "", error),
            _ => Failed(state, effect.Kind, error, context),
        });
    }

    private static Decision<ProtectedVmEvent> OnTimerDue(
        ProtectedVmState state, TimerDue command, DecisionContext context)
    {
        if (!ProtectedVmTimers.IsKnown(command.Name))
        {
            return Refuse(new ProtectedVmRefusal.UnknownTimer(command.Name));
        }

        if (!ProtectedVmTimers.Of(state).Contains(new DurableTimer(command.Name, command.DueAt)))
        {
            return Accept();
        }

        // A timer that was delivered is due, even if the clock was set back since. What follows from it is computed
        // from the current clock; otherwise the next timer would be as far away as the clock was set back (I26).
        return AcceptAll(command.Name switch
        {
            ProtectedVmTimers.Point => Points.Due(state, context),
            ProtectedVmTimers.NoPoint => Monitoring.NoPointDue(state, context),
            ProtectedVmTimers.Resync => Resynchronizing.Due(state, context.Now),
            ProtectedVmTimers.ReplicationRetry => [new ReplicationRetried(context.Now, ProtectedVm.EngineActor)],
            _ => [new EffectRetried(
                context.Now, ProtectedVm.EngineActor, ProtectedVmTimers.RetriedBy(command.Name))],
        });
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

    private static bool NeedsAgent(EffectKind kind) => kind is EffectKind.CheckPrerequisites or EffectKind.AttachSource
        or EffectKind.StartInitialReplication or EffectKind.PauseReplication or EffectKind.ResumeReplication
        or EffectKind.StartResync or EffectKind.QuiesceSource or EffectKind.FenceSource or EffectKind.PromoteSource
        or EffectKind.StartReverseReplication or EffectKind.StartForwardReplication;

    private static ProtectedVmEffect? Outstanding(ProtectedVmState state, EffectId id)
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

    private static ProtectedVmState Confirm(ProtectedVmState state, EffectConfirmed e) => e.Kind switch
    {
        EffectKind.PauseReplication or EffectKind.ResumeReplication =>
            state.Replicate(e, replication => replication with { Order = null }),
        EffectKind.StartResync when state.Replication.Resync is { } mark =>
            state.Replicate(e, replication => replication with { Resync = mark with { Stage = ResyncStage.Running } }),
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
        _ => throw state.Impossible(e),
    };

    private static ProtectedVmState Fail(ProtectedVmState state, EffectFailed e)
    {
        var index = state.Retries.IndexOf(retry => retry.Kind == e.Kind);
        var since = index < 0 ? e.At : state.Retries[index].Since;
        var retry = new Retry(e.Kind, e.Failures, e.RetryAt, true, e.Error, since);
        var failed = state with
        {
            Retries = index < 0 ? state.Retries.Add(retry) : state.Retries.SetItem(index, retry),
            Jobs = JobOf(state, e.Kind) is { } job ? state.Jobs.NoteError(job, e.Error.InWords()) : state.Jobs,
        };

        // A resync that stopped half-way is outstanding again.
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
            ? throw state.Impossible(e)
            : state with
            {
                Retries = state.Retries.SetItem(index, state.Retries[index] with { Waiting = false, DueAt = null }),
            };
    }

    private static JobKind? JobOf(ProtectedVmState state, EffectKind kind) => kind switch
    {
        EffectKind.CheckPrerequisites or EffectKind.AttachSource or EffectKind.PrepareTarget
            or EffectKind.StartInitialReplication => JobKind.Enable,
        EffectKind.FinalizeProtection => JobKind.InitialReplication,
        EffectKind.TakeRecoveryPoint => JobKind.RecoveryPoint,
        EffectKind.StartResync => JobKind.Resync,
        EffectKind.StartTestFailover => JobKind.TestFailover,
        EffectKind.CleanUpTestFailover => JobKind.TestFailoverCleanUp,
        EffectKind.QuiesceSource or EffectKind.PrepareFailover when state.Phase is Phase.FailingOver over =>
            FailingOver.JobOf(over.Kind),
        EffectKind.SwitchRecoveredPoint => JobKind.ChangeRecoveryPoint,
        EffectKind.CommitFailover or EffectKind.CommitFailback => JobKind.Commit,
        EffectKind.CancelFailover => JobKind.Cancel,
        EffectKind.StartReverseReplication or EffectKind.StartForwardReplication => JobKind.Reprotect,
        EffectKind.QuiesceTarget or EffectKind.PromoteSource => JobKind.Failback,
        EffectKind.ReleaseProtection => JobKind.Disable,
        _ => null,
    };
}

using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

/// <summary>
/// Folds events into the state. An event that cannot follow the state throws: the stream is corrupt (I17).
/// </summary>
internal static partial class ProtectedVmEvolution
{
    /// <summary>The state after an event.</summary>
    public static ProtectedVmState Evolve(ProtectedVmState state, ProtectedVmEvent @event)
    {
        var numbered = state with { EventCount = state.EventCount + 1 };
        return Protection.Note(DropSettledRetries(Fold(numbered, @event)), @event.At);
    }

    private static ProtectedVmState Fold(ProtectedVmState state, ProtectedVmEvent @event) => @event switch
    {
        CommandAccepted e => Accept(state, e),
        EnableStarted e => Enable(state, e),
        ProtectionRecovered e => Recover(state, e),
        PrerequisitesChecked e => AfterPrerequisites(state, e),
        SourceAttached e =>
            Step(state, e, EnableStep.AttachingSource, EnableStep.PreparingTarget, "Target resources created"),
        TargetPrepared e => Step(
            state, e, EnableStep.PreparingTarget, EnableStep.StartingInitialReplication, "Initial replication started"),
        EnableFailed e => GiveUpEnabling(state, e),
        InitialReplicationStarted e => StartInitialReplication(state, e),
        InitialReplicationCompleted e => Finalize(state, e),
        ProtectionFinalized e => BecomeProtected(state, e),
        DisableStarted e => Disable(state, e),
        ProtectionDisabled e => EndProtection(state, e),
        PolicyChanged e => ChangePolicy(state, e),
        EffectConfirmed e => Confirm(state, e),
        EffectFailed e => Fail(state, e),
        EffectRetried e => Retry(state, e),
        RecoveryPointRequested e => Request(state, e),
        RecoveryPointSealed e => Seal(state, e),
        RecoveryPointSkipped e => Skip(state, e),
        RecoveryPointMarkedUnusable e => MarkUnusable(state, e),
        RecoveryPointsGraded e => Grade(state, e),
        RecoveryPointsExpired e => Expire(state, e),
        ReplicationPaused e => Pause(state, e),
        ReplicationResumed e => Resume(state, e),
        ResyncMarked e => Mark(state, e),
        ResyncStarted e => StartResync(state, e),
        ResyncCompleted e => CompleteResync(state, e),
        ReplicationFaulted e => Fault(state, e),
        ReplicationRetried e => RetryReplication(state, e),
        ReplicationRecovered e => Change(state, e, replication => replication with { Fault = null }),
        DiskResized e => Resize(state, e),
        HealthCauseRaised e => Raise(state, e.Cause),
        HealthCauseCleared e => Clear(state, e),
        _ => FoldFailover(state, @event),
    };

    // The oldest is forgotten; the journal still knows its id, and then no request under it can be told to be the same.
    private static ProtectedVmState Accept(ProtectedVmState state, CommandAccepted e)
    {
        const int remembered = 64;
        if (state.Accepted.Any(accepted => accepted.Id == e.Command))
        {
            throw Impossible(state, e);
        }

        var accepted = state.Accepted.Add(new AcceptedCommand(e.Command, e.Digest, state.EventCount));
        return state with
        {
            Accepted = accepted.Count > remembered ? accepted.Skip(1).ToValueList() : accepted,
        };
    }

    private static ProtectedVmState Enable(ProtectedVmState state, EnableStarted e)
    {
        if (state.Phase is not (Phase.NotProtected or Phase.Disabled or Phase.EnableFailed))
        {
            throw Impossible(state, e);
        }

        // The term goes on from an earlier protection, so that no store ever sees a smaller one. Points go on with the
        // replica that holds them; both were forgotten when it was deleted.
        return Enter(state, new Phase.Enabling(EnableStep.CheckingPrerequisites)) with
        {
            Enrollment = e.Enrollment,
            Causes = [],
            Finalized = false,
            ReplicaSince = state.ReplicaSince == default ? e.At : state.ReplicaSince,
            Jobs = state.Jobs.Start(state.EventCount, JobKind.Enable, e.By, "Prerequisites checked", e.At),
        };
    }

    private static ProtectedVmState ChangePolicy(ProtectedVmState state, PolicyChanged e)
    {
        var changed = state with { Enrollment = state.Enrollment with { Policy = e.Policy } };
        return e.Policy.AppConsistentEvery == TimeSpan.Zero
            ? Without(changed, HealthKind.AppConsistencyFailed, HealthKind.NoHooks) : changed;
    }

    private static ProtectedVmState AfterPrerequisites(ProtectedVmState state, PrerequisitesChecked e)
    {
        var next = Step(
            state, e, EnableStep.CheckingPrerequisites, EnableStep.AttachingSource,
                "Agent registered, source attached");
        return next with { Enrollment = next.Enrollment with { Disks = e.Disks } };
    }

    private static ProtectedVmState Step(
        ProtectedVmState state, ProtectedVmEvent e, EnableStep from, EnableStep to, string name) =>
        state.Phase is Phase.Enabling enabling && enabling.Step == from
            ? Enter(state, new Phase.Enabling(to)) with { Jobs = state.Jobs.NextStep(JobKind.Enable, name, e.At) }
            : throw Impossible(state, e);

    private static ProtectedVmState GiveUpEnabling(ProtectedVmState state, EnableFailed e)
    {
        Expect<Phase.Enabling>(state, e);
        return Enter(state, new Phase.EnableFailed(e.Error, e.CleanUpOwed)) with
        {
            Jobs = state.Jobs.End(JobKind.Enable, JobOutcome.Failed, e.At, Text(e.Error)),
        };
    }

    private static ProtectedVmState StartInitialReplication(ProtectedVmState state, InitialReplicationStarted e)
    {
        if (state.Phase is not Phase.Enabling { Step: EnableStep.StartingInitialReplication })
        {
            throw Impossible(state, e);
        }

        return Enter(state, new Phase.InitialReplication()) with
        {
            Replication = ReplicationState.Started,
            Jobs = state.Jobs.End(JobKind.Enable, JobOutcome.Succeeded, e.At)
                .Start(state.EventCount, JobKind.InitialReplication, ProtectedVm.EngineActor, "Initial replication",
                    e.At),
        };
    }

    private static ProtectedVmState Finalize(ProtectedVmState state, InitialReplicationCompleted e)
    {
        Expect<Phase.InitialReplication>(state, e);
        return Enter(state, new Phase.Finalizing()) with
        {
            Jobs = state.Jobs.NextStep(JobKind.InitialReplication, "Protection finalized", e.At),
        };
    }

    private static ProtectedVmState BecomeProtected(ProtectedVmState state, ProtectionFinalized e)
    {
        Expect<Phase.Finalizing>(state, e);
        return Enter(state, new Phase.Protected()) with
        {
            Finalized = true,
            PointSchedule = FirstPoint(state, new Phase.Protected(), e.At),
            Jobs = state.Jobs.End(JobKind.InitialReplication, JobOutcome.Succeeded, e.At),
        };
    }

    private static ProtectedVmState Disable(ProtectedVmState state, DisableStarted e)
    {
        if (ProtectedVmOperations.Check(state, Operation.Disable) is not null)
        {
            throw Impossible(state, e);
        }

        var phase = new Phase.Disabling(e.KeepReplica, WritablePrimary.Of(state.Phase));
        return Enter(StopReplication(state), phase) with
        {
            Causes = [],
            FenceSince = null,
            DivergentBytes = null,
            Prune = null,
            Jobs = state.Jobs.CancelAll(e.At, "Protection was disabled.")
                .Start(state.EventCount, JobKind.Disable, e.By, "Protection removed", e.At),
        };
    }

    private static ProtectedVmState EndProtection(ProtectedVmState state, ProtectionDisabled e)
    {
        var disabling = Expect<Phase.Disabling>(state, e);
        return Enter(state, new Phase.Disabled(disabling.KeepReplica, disabling.Primary)) with
        {
            Points = disabling.KeepReplica ? state.Points : [],
            ReplicaSince = disabling.KeepReplica ? state.ReplicaSince : default,
            Jobs = state.Jobs.End(JobKind.Disable, JobOutcome.Succeeded, e.At),
        };
    }

    private static ProtectedVmState Enter(ProtectedVmState state, Phase phase) =>
        state with { Phase = phase, PhaseSince = state.EventCount };

    private static ProtectedVmState StopReplication(ProtectedVmState state) =>
        state with { Replication = ReplicationState.Idle, PointSchedule = state.PointSchedule.Stopped };

    private static TPhase Expect<TPhase>(ProtectedVmState state, ProtectedVmEvent e)
        where TPhase : Phase =>
        state.Phase as TPhase ?? throw Impossible(state, e);

    private static ImpossibleEventException Impossible(ProtectedVmState state, ProtectedVmEvent e) =>
        new($"Event {state.EventCount} of VM '{state.Enrollment.Vm}', {e.GetType().Name}, cannot happen in phase "
            + $"{PhaseName.Of(state.Phase)}.");

    private static string Text(EffectError error) => $"{error.Message} {error.Remedy}".Trim();
}

using System.Collections.Immutable;
using System.Globalization;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEffect;

namespace ReplicationEngine.Engine.ProtectedVms;

// The outstanding effects are derived from the state alone. An effect's id consists of the VM's name, the effect's
// kind, the number of the event since which it is outstanding and, for a retry, the number of failures before it. The
// same work therefore always has the same id, a retry has a new one, and a reply to an abandoned attempt is recognised
// because its id is no longer outstanding.

/// <summary>Derives the outstanding effects from a state.</summary>
internal static class ProtectedVmObligations
{
    /// <summary>Returns the outstanding effects that do not wait for a retry.</summary>
    public static ImmutableArray<Effect> Outstanding(ProtectedVmState state) =>
        [.. All(state).Where(effect => !state.Retries.Any(retry => retry.Kind == effect.Kind && retry.Waiting))];

    /// <summary>Returns the kinds of all outstanding effects, including those that wait for a retry.</summary>
    public static ImmutableArray<EffectKind> OutstandingKinds(ProtectedVmState state) =>
        [.. All(state).Select(effect => effect.Kind)];

    private static IEnumerable<ProtectedVmEffect> All(ProtectedVmState state)
    {
        if (OutstandingForPhase(state) is { } effect)
        {
            yield return effect;
        }

        if (state.FenceSince is not null)
        {
            yield return new FenceSource(state.Term) { Id = Id(state, EffectKind.FenceSource) };
        }

        if (state.Prune is { } prune)
        {
            yield return new PrunePoints(prune.Points) { Id = Id(state, EffectKind.PrunePoints) };
        }

        if (OutstandingForTest(state) is { } test)
        {
            yield return test;
        }

        foreach (var outstanding in OutstandingForReplication(state))
        {
            yield return outstanding;
        }
    }

    private static ProtectedVmEffect? OutstandingForPhase(ProtectedVmState state) => state.Phase switch
    {
        Phase.Enabling enabling => OutstandingForEnabling(state, enabling.Step),
        Phase.EnableFailed { CleanUpOwed: true } =>
            // Points belong to a replica that a disable kept. It outlives an enabling that failed.
            new ReleaseProtection(KeepReplica: state.Points.Count > 0) { Id = Id(state, EffectKind.ReleaseProtection) },
        Phase.Finalizing => new FinalizeProtection { Id = Id(state, EffectKind.FinalizeProtection) },
        Phase.FailingOver { Step: FailoverStep.Quiescing } over =>
            new QuiesceSource(
                state.Term, BestEffort: over.Kind == FailoverKind.Unplanned,
                Drain: over.Kind == FailoverKind.Planned || over.Point.SealNow)
            {
                Id = Id(state, EffectKind.QuiesceSource),
            },
        Phase.FailingOver over =>
            new PrepareFailover(over.Point, state.Term) { Id = Id(state, EffectKind.PrepareFailover) },
        Phase.ChangingPoint changing =>
            new SwitchRecoveredPoint(changing.Next) { Id = Id(state, EffectKind.SwitchRecoveredPoint) },
        Phase.Committing committing =>
            new CommitFailover(committing.Recovery.Point) { Id = Id(state, EffectKind.CommitFailover) },
        Phase.Cancelling cancelling =>
            new CancelFailover(cancelling.Direction, state.Term) { Id = Id(state, EffectKind.CancelFailover) },
        Phase.Reprotecting { Started: false, Direction: Direction.ToPrimary } =>
            new StartReverseReplication(state.Term) { Id = Id(state, EffectKind.StartReverseReplication) },
        Phase.Reprotecting { Started: false } =>
            new StartForwardReplication(state.Term) { Id = Id(state, EffectKind.StartForwardReplication) },
        Phase.FailingBack { Step: FailoverStep.Quiescing } =>
            new QuiesceTarget(state.Term) { Id = Id(state, EffectKind.QuiesceTarget) },
        Phase.FailingBack => new PromoteSource(state.Term) { Id = Id(state, EffectKind.PromoteSource) },
        Phase.CommittingFailback => new CommitFailback { Id = Id(state, EffectKind.CommitFailback) },
        Phase.Disabling disabling =>
            new ReleaseProtection(disabling.KeepReplica) { Id = Id(state, EffectKind.ReleaseProtection) },
        _ => null,
    };

    private static ProtectedVmEffect OutstandingForEnabling(ProtectedVmState state, EnableStep step)
    {
        var (agent, disks) = (state.Enrollment.Agent, state.Enrollment.Disks);
        return step switch
        {
            EnableStep.CheckingPrerequisites =>
                new CheckPrerequisites(agent, disks) { Id = Id(state, EffectKind.CheckPrerequisites) },
            EnableStep.AttachingSource =>
                new AttachSource(agent, disks, state.Term) { Id = Id(state, EffectKind.AttachSource) },
            EnableStep.PreparingTarget =>
                new PrepareTarget(disks, state.Term) { Id = Id(state, EffectKind.PrepareTarget) },
            EnableStep.StartingInitialReplication =>
                new StartInitialReplication(state.Term) { Id = Id(state, EffectKind.StartInitialReplication) },
            _ => throw new ImpossibleEventException($"Enabling has no step {step}."),
        };
    }

    private static ProtectedVmEffect? OutstandingForTest(ProtectedVmState state) => state.TestFailover switch
    {
        TestFailover.Starting starting =>
            new StartTestFailover(starting.Point) { Id = Id(state, EffectKind.StartTestFailover) },
        TestFailover.CleaningUp => new CleanUpTestFailover { Id = Id(state, EffectKind.CleanUpTestFailover) },
        _ => null,
    };

    private static IEnumerable<ProtectedVmEffect> OutstandingForReplication(ProtectedVmState state)
    {
        if (state.Replication.Order is { } order)
        {
            yield return order.Kind == EffectKind.PauseReplication
                ? new PauseReplication { Id = Id(state, order.Kind) }
                : new ResumeReplication { Id = Id(state, order.Kind) };
        }

        if (state.Replication is { Active: true, Resync: { Stage: ResyncStage.Ordered } mark })
        {
            yield return new StartResync(mark.Reasons) { Id = Id(state, EffectKind.StartResync) };
        }

        if (state.PointSchedule.Pending is { } pending)
        {
            yield return new TakeRecoveryPoint(pending.Id, pending.Kind)
            {
                Id = new EffectId($"{state.Enrollment.Vm}/take-recovery-point/{pending.Id}"),
            };
        }
    }

    private static EffectId Id(ProtectedVmState state, EffectKind kind)
    {
        var id = string.Create(
            CultureInfo.InvariantCulture, $"{state.Enrollment.Vm}/{EffectName.Of(kind)}/{Since(state, kind)}");
        var index = state.Retries.IndexOf(retry => retry.Kind == kind && !retry.Waiting);
        return new EffectId(index < 0 ? id : $"{id}.{state.Retries[index].Failures}");
    }

    // The number of the event since which an effect of the kind is outstanding.
    private static long Since(ProtectedVmState state, EffectKind kind) => kind switch
    {
        EffectKind.FenceSource => state.FenceSince ?? 0,
        EffectKind.PrunePoints => state.Prune?.Since ?? 0,
        EffectKind.PauseReplication or EffectKind.ResumeReplication => state.Replication.Order?.Since ?? 0,
        EffectKind.StartResync => state.Replication.Resync?.Since ?? 0,
        EffectKind.StartTestFailover => state.TestFailover is TestFailover.Starting starting ? starting.Since : 0,
        EffectKind.CleanUpTestFailover => state.TestFailover is TestFailover.CleaningUp cleaning ? cleaning.Since : 0,
        _ => state.PhaseSince,
    };
}

using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>The commands about replication itself and its settings: policy and disks.</summary>
public abstract record ReplicatingCommand : ProtectedVmCommand
{
    private protected ReplicatingCommand()
    {
    }
}

/// <summary>The events of replication itself and its settings: policy and disks.</summary>
public abstract record ReplicatingEvent : ProtectedVmEvent
{
    private protected ReplicatingEvent(DateTimeOffset at)
        : base(at)
    {
    }
}

/// <summary>
/// The rules of replication while it runs, is paused or has stopped with an error (REP-10, ERR-1), and of its policy
/// and disks.
/// </summary>
internal static class Replicating
{
    public static Decision<ProtectedVmEvent> Decide(
        ProtectedVmState state, ReplicatingCommand command, DecisionContext context) => command switch
    {
        UpdatePolicy c => OnUpdatePolicy(state, c, context),
        Pause => NotOffered(state, Operation.Pause) ?? Accept(new ReplicationPaused(context.Now, context.Actor)),
        Resume => NotOffered(state, Operation.Resume) ?? Accept([
            new ReplicationResumed(context.Now, context.Actor), .. Resynchronizing.Rescheduled(state, context)]),
        RecordInSync c => OnInSync(state, c, context),
        RecordReplicationError c => OnError(state, c.Error, context),
        RecordReplicationRecovered => state.Replication is { Active: true, Fault: not null }
            ? Accept(new ReplicationRecovered(context.Now)) : Accept(),
        RecordDiskResized c => OnDiskResized(state, c, context),
        _ => Accept(),
    };

    /// <summary>Creates the event of replication that stopped with an error once more in a row.</summary>
    public static ReplicationFaulted Faulted(ProtectedVmState state, EffectError error, DecisionContext context)
    {
        var failures = (state.Replication.Fault?.Failures ?? 0) + 1;
        return new ReplicationFaulted(context.Now, error, failures, Effects.RetryAt(error, failures, context));
    }

    /// <summary>
    /// Returns the phase of replication from source to target. After a failover during initial replication the last
    /// settings are still to be applied (ENA-14).
    /// </summary>
    public static Phase ToRecovery(ProtectedVmState state) =>
        state.Finalized ? new Phase.Protected() : new Phase.Finalizing();

    public static ProtectedVmState Evolve(ProtectedVmState state, ReplicatingEvent @event) => @event switch
    {
        PolicyChanged e => ChangePolicy(state, e),
        ReplicationPaused e => BecomePaused(state, e),
        ReplicationResumed e => BecomeActive(state, e),
        ReplicationFaulted e => Stop(state, e),
        ReplicationRetried e => Retry(state, e),
        ReplicationRecovered e => state.Replicate(e, replication => replication with { Fault = null }),
        DiskResized e => Resize(state, e),
        _ => throw state.Impossible(@event),
    };

    private static Decision<ProtectedVmEvent> OnUpdatePolicy(
        ProtectedVmState state, UpdatePolicy command, DecisionContext context)
    {
        if (NotOffered(state, Operation.UpdatePolicy) is { } refused)
        {
            return refused;
        }

        var problems = command.Policy.Problems(ProtectedVmOperations.ScenarioOf(state));
        if (problems.Count > 0)
        {
            return Refuse(new ProtectedVmRefusal.InvalidRequest(problems));
        }

        if (command.Policy == state.Enrollment.Policy)
        {
            return Accept();
        }

        var changed = new PolicyChanged(context.Now, context.Actor, command.Policy);
        var after = ProtectedVm.Evolve(state, changed);
        return Accept([
            changed, .. Resynchronizing.Rescheduled(after, context), .. Points.Expired(after, context, together: 1)]);
    }

    private static Decision<ProtectedVmEvent> OnInSync(
        ProtectedVmState state, RecordInSync command, DecisionContext context) =>
        (state.Phase, command.Direction) switch
        {
            (Phase.InitialReplication, Direction.ToRecovery) =>
                Accept(new InitialReplicationCompleted(context.Now, command.SentBytes)),
            (Phase.Reprotecting { Started: true } phase, _) when phase.Direction == command.Direction =>
                Accept(new ReprotectCompleted(context.Now, command.Direction, command.SentBytes)),
            _ => Accept(),
        };

    private static Decision<ProtectedVmEvent> OnError(
        ProtectedVmState state, EffectError error, DecisionContext context)
    {
        var recoverable = error.Class == ErrorClass.Recoverable;
        var known = state.Replication.Fault is { } fault
            && (fault.RetryAt is not null ? recoverable : fault.Error == error && !recoverable);
        return state.Replication.Active && !known ? Accept(Faulted(state, error, context)) : Accept();
    }

    private static Decision<ProtectedVmEvent> OnDiskResized(
        ProtectedVmState state, RecordDiskResized command, DecisionContext context)
    {
        var disk = state.Enrollment.Disks.FirstOrDefault(
            known => string.Equals(known.Path, command.Path, StringComparison.Ordinal));
        return disk is null ? Refuse(new ProtectedVmRefusal.UnknownDisk(command.Path))
            : disk.SizeBytes == command.SizeBytes ? Accept()
            : Accept([
                new DiskResized(context.Now, disk with { SizeBytes = command.SizeBytes }),
                .. Resynchronizing.Marked(state, ResyncReason.DiskResized, context)]);
    }

    private static ProtectedVmState ChangePolicy(ProtectedVmState state, PolicyChanged e)
    {
        var changed = state with { Enrollment = state.Enrollment with { Policy = e.Policy } };
        return e.Policy.AppConsistentEvery == TimeSpan.Zero
            ? changed.Without(HealthKind.AppConsistencyFailed, HealthKind.NoHooks) : changed;
    }

    private static ProtectedVmState BecomePaused(ProtectedVmState state, ReplicationPaused e) => Points.WithoutPending(
        state.Replicate(e, replication => replication with
        {
            Paused = true,
            Order = new ReplicationOrder(EffectKind.PauseReplication, state.EventCount),
        }),
        e.At, "Replication was paused.");

    private static ProtectedVmState BecomeActive(ProtectedVmState state, ReplicationResumed e) => Points.DueAt(
        e.At, state.Replicate(e, replication => replication with
        {
            Paused = false,
            Order = new ReplicationOrder(EffectKind.ResumeReplication, state.EventCount),
        }));

    private static ProtectedVmState Stop(ProtectedVmState state, ReplicationFaulted e) =>
        state.Replicate(e, replication => replication with
        {
            Order = replication.Order is { Kind: EffectKind.ResumeReplication } ? null : replication.Order,
            Fault = new ReplicationFault(e.Error, e.Failures, e.RetryAt, replication.Fault?.Since ?? e.At),
        });

    private static ProtectedVmState Retry(ProtectedVmState state, ReplicationRetried e) =>
        state.Replicate(e, replication => replication with
        {
            Order = new ReplicationOrder(EffectKind.ResumeReplication, state.EventCount),
            Fault = replication.Fault is { } fault ? fault with { RetryAt = null } : throw state.Impossible(e),
        });

    private static ProtectedVmState Resize(ProtectedVmState state, DiskResized e)
    {
        var disks = state.Enrollment.Disks;
        var index = disks.IndexOf(disk => string.Equals(disk.Path, e.Disk.Path, StringComparison.Ordinal));
        return index < 0
            ? throw state.Impossible(e)
            : state with { Enrollment = state.Enrollment with { Disks = disks.SetItem(index, e.Disk) } };
    }
}

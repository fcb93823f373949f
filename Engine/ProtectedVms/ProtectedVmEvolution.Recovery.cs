using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms;

internal static partial class ProtectedVmEvolution
{
    private static ProtectedVmState Recover(ProtectedVmState state, ProtectionRecovered e)
    {
        if (state.EventCount != 1)
        {
            throw Impossible(state, e);
        }

        var phase = RecoveredPhase(e);
        return Enter(state, phase) with
        {
            Enrollment = e.Enrollment,
            Term = e.Term,
            ReplicaSince = e.At,
            Finalized = e.As != RecoveredAs.InitialReplication,
            Points = e.Points.Aggregate(state.Points, RetentionClock.Insert),
            Replication = phase is Phase.InitialReplication or Phase.Protected
                ? ReplicationState.Started : ReplicationState.Idle,
            PointSchedule = FirstPoint(state, phase, e.At),
            Jobs = phase is Phase.Reprotecting
                ? state.Jobs.Start(state.EventCount, JobKind.Reprotect, e.By, "Replication started", e.At) : state.Jobs,
            FenceSince = phase is Phase.CommitPending or Phase.FailedOver ? state.EventCount : null,
        };
    }

    // What the failover lost is not known any more; nothing older than its point is.
    private static Phase RecoveredPhase(ProtectionRecovered e)
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
                $"VM '{e.Enrollment.Vm}' cannot be recovered as {e.As} without the point it stands on."),
        };
    }
}

using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using EnginePoint = ReplicationEngine.Engine.RecoveryPoints.RecoveryPoint;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// Tells a VM what was observed and its state does not say: the rules of the service's fact finder, over the simulated
/// reports.
/// </summary>
internal static class FactTeller
{
    /// <summary>Tells all facts there are now.</summary>
    public static void Tell(ServiceNode service, SimVm vm, ProtectedVmState state)
    {
        if (state.Phase is Phase.NotProtected or Phase.Disabled or Phase.EnableFailed)
        {
            return;
        }

        var sequence = vm.Host.Sequence;
        foreach (var fact in Facts(service, vm, state).ToArray())
        {
            var id = EntityHost.IdOf($"{vm.Name}|{fact.GetType().Name}|{sequence}|{fact}");
            _ = vm.AskAsync(id, "engine", fact);
        }
    }

    /// <summary>A store's point as the domain knows it.</summary>
    public static EnginePoint Describe(DataPlane.ReplicaStore.RecoveryPoint point) => new(
        point.Id, point.Time, PointKind.Crash, point.Cut.Generation, point.Cut.Lsn, GradeOf(point));

    private static IEnumerable<ProtectedVmCommand> Facts(ServiceNode service, SimVm vm, ProtectedVmState state)
    {
        var connected = service.IsConnected(vm);
        var known = Has(state, HealthKind.AgentDisconnected);
        if (known && connected)
        {
            yield return new ProtectedVmCommand.RecordAgentConnected();
        }
        else if (!known && !connected)
        {
            yield return new ProtectedVmCommand.RecordAgentDisconnected("The agent is not connected.");
        }

        if (vm.Target.Store is { } store)
        {
            foreach (var fact in OfPoints(state, store.Points, store.SkippedMarkers))
            {
                yield return fact;
            }
        }

        if (connected && service.ReportOf(vm) is { } report && vm.Target.Store is { } replica)
        {
            foreach (var fact in OfReplication(vm, state, report, replica))
            {
                yield return fact;
            }
        }

        if (vm.Target.Fault is not null != Has(state, HealthKind.TargetStoreCorrupt))
        {
            yield return vm.Target.Fault is { } why
                ? new ProtectedVmCommand.RecordTargetStoreCorrupt(why, "See the target's storage.")
                : new ProtectedVmCommand.RecordTargetStoreRepaired();
        }
    }

    private static IEnumerable<ProtectedVmCommand> OfPoints(
        ProtectedVmState state, IReadOnlyList<DataPlane.ReplicaStore.RecoveryPoint> points,
        IReadOnlyList<SkippedMarker> skipped)
    {
        if (state.Phase is Phase.Protected or Phase.Finalizing or Phase.InitialReplication)
        {
            foreach (var point in points.Where(p => state.Prune?.Points.Contains(p.Id) != true
                && state.Points.All(kept => kept.Id != p.Id)))
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointSealed(Describe(point));
            }
        }

        var stored = points.ToDictionary(p => p.Id);
        foreach (var kept in state.Points.Where(kept => kept.Usable))
        {
            var reason = stored.TryGetValue(kept.Id, out var point) ? point.UnusableBecause
                : state.Phase is Phase.Protected ? "the replica does not hold it" : null;
            if (reason is not null)
            {
                yield return new ProtectedVmCommand.RecordRecoveryPointUnusable(kept.Id, reason);
            }
        }

        var risen = state.Points.Where(k => k.Usable && stored.TryGetValue(k.Id, out var p) && p.Usable
            && k.Point.Grade < GradeOf(p)).Select(k => k.Id).ToValueList();
        if (risen.Count > 0)
        {
            yield return new ProtectedVmCommand.RecordRecoveryPointsGraded(
                Engine.RecoveryPoints.PointGrade.DigestMatched, risen);
        }

        if (state.PointSchedule.Pending is { } pending && skipped.FirstOrDefault(m => m.Id == pending.Id) is { } marker)
        {
            yield return new ProtectedVmCommand.RecordRecoveryPointSkipped(pending.Id, marker.Why);
        }
    }

    private static IEnumerable<ProtectedVmCommand> OfReplication(
        SimVm vm, ProtectedVmState state, SourceReport report, ReplicaStore replica)
    {
        var inSync = IsInSync(vm, state, report, replica);
        var marking = report.Counters?.Mode == SourceMode.DirtyMap;
        if (marking != Has(state, HealthKind.CacheFull) && state.Phase is (Phase.InitialReplication or Phase.Protected
            or Phase.Reprotecting { Direction: Direction.ToRecovery }))
        {
            yield return marking
                ? new ProtectedVmCommand.RecordDirtyMapModeEntered(report.Condition!.Cause.ToString())
                : new ProtectedVmCommand.RecordDirtyMapModeLeft();
        }

        switch (state.Phase)
        {
            case Phase.InitialReplication or Phase.Reprotecting { Direction: Direction.ToRecovery, Started: true }
                when inSync:
                yield return new ProtectedVmCommand.RecordInSync(Direction.ToRecovery, 0);
                break;
            case Phase.Reprotecting { Direction: Direction.ToPrimary, Started: true } when inSync:
                yield return new ProtectedVmCommand.RecordInSync(Direction.ToPrimary, 0);
                break;
            case Phase.Protected:
                foreach (var fact in OfResync(vm, state, report, (inSync, replica.Position.Resyncing)))
                {
                    yield return fact;
                }

                break;
            case Phase.ProtectedReverse when inSync && state.Replication.Resync is { Stage: ResyncStage.Running }:
                yield return new ProtectedVmCommand.RecordResyncCompleted(0);
                break;
            case Phase.FailingOver or Phase.CommitPending or Phase.ChangingPoint or Phase.Committing or Phase.FailedOver
                when report.Role == SourceRole.Fenced && !Has(state, HealthKind.SourceFenced):
                yield return new ProtectedVmCommand.RecordSourceFenced(report.Divergent);
                break;
            default:
                break;
        }

        foreach (var fact in OfFaults(state, report))
        {
            yield return fact;
        }
    }

    private static IEnumerable<ProtectedVmCommand> OfFaults(ProtectedVmState state, SourceReport report)
    {
        if (!state.Replication.Active || state.Replication.Paused)
        {
            yield break;
        }

        var failed = report.Condition is { SyncFailed: true };
        if (failed && state.Replication.Fault is null)
        {
            yield return new ProtectedVmCommand.RecordReplicationError(EffectError.Of(
                ErrorClass.NonRecoverable, "A disk failed to sync.", "Restart the agent."));
        }
        else if (!failed && state.Replication.Fault is not null && report.Connected)
        {
            yield return new ProtectedVmCommand.RecordReplicationRecovered();
        }
    }

    private static IEnumerable<ProtectedVmCommand> OfResync(
        SimVm vm, ProtectedVmState state, SourceReport report, (bool InSync, bool Resyncing) replica)
    {
        var mark = state.Replication.Resync;
        var fault = vm.Target.Fault;
        if (mark is { Stage: ResyncStage.Running })
        {
            if (fault is not null)
            {
                yield return new ProtectedVmCommand.RecordResyncFailed(
                    EffectError.Of(ErrorClass.NonRecoverable, fault, "See the target's storage."));
            }
            else if (replica.InSync)
            {
                yield return new ProtectedVmCommand.RecordResyncCompleted(0);
            }

            yield break;
        }

        if (mark is not (null or { Stage: ResyncStage.Required }))
        {
            yield break;
        }

        var known = mark?.Reasons ?? [];
        if (fault is not null && !known.Contains(ResyncReason.TransferFailed))
        {
            yield return new ProtectedVmCommand.RecordResyncNeeded(ResyncReason.TransferFailed);
        }

        if (Stranded(state, report) is { } reason && !known.Contains(reason))
        {
            yield return new ProtectedVmCommand.RecordResyncNeeded(reason);
        }

        foreach (var fact in Started(state, report, replica))
        {
            yield return fact;
        }
    }

    private static ResyncReason? Stranded(ProtectedVmState state, SourceReport report) =>
        report.Counters is not { DirtyBytes: > 0 } counters ? null
        : state.Replication.Paused ? ReasonOf(report)
        : counters.Mode == SourceMode.DirtyMap && report.Condition!.Cause == SourceCause.BacklogHalfOfDisk
            ? ResyncReason.LogHalfOfDisk : null;

    private static IEnumerable<ProtectedVmCommand> Started(
        ProtectedVmState state, SourceReport report, (bool InSync, bool Resyncing) replica)
    {
        var mark = state.Replication.Resync;
        if (state.Replication.Paused || report.Counters is not { Mode: SourceMode.Logging } counters
            || (mark is not null && !mark.Reasons.All(SourceDuty.SourceKnowsExtents)))
        {
            yield break;
        }

        if (counters.DirtyBytes > 0 || replica.Resyncing)
        {
            yield return new ProtectedVmCommand.RecordResyncStarted(ReasonOf(report));
        }
        else if (mark is { Reasons: [var reason, ..] } && replica.InSync)
        {
            yield return new ProtectedVmCommand.RecordResyncStarted(reason);
            yield return new ProtectedVmCommand.RecordResyncCompleted(0);
        }
    }

    private static bool IsInSync(SimVm vm, ProtectedVmState state, SourceReport report, ReplicaStore replica) =>
        report.Term == state.Term && (report.Role == SourceRole.ReverseReplica
            ? vm.Target.ReverseState().InSync
            : report is { Role: SourceRole.Primary, Counters: { DirtyBytes: 0, Mode: SourceMode.Logging } counters,
                Streaming: true }
                && !replica.Position.Resyncing
                && replica.Position.Durable.Generation == counters.Tail.Generation);

    private static ResyncReason ReasonOf(SourceReport report) => report.Condition?.Cause switch
    {
        SourceCause.UncleanShutdown => ResyncReason.ForcedShutdown,
        SourceCause.BacklogHalfOfDisk => ResyncReason.LogHalfOfDisk,
        SourceCause.Resized => ResyncReason.DiskResized,
        SourceCause.ChangedOutside => ResyncReason.ConfigurationChanged,
        SourceCause.UserRequest => ResyncReason.UserRequest,
        SourceCause.LogDamaged or SourceCause.ReplicaUnknown or SourceCause.DeviceWriteFailed =>
            ResyncReason.TransferFailed,
        _ => ResyncReason.DirtyMap,
    };

    private static Engine.RecoveryPoints.PointGrade GradeOf(DataPlane.ReplicaStore.RecoveryPoint point) =>
        point.Grade == DataPlane.ReplicaStore.PointGrade.DigestMatched
            ? Engine.RecoveryPoints.PointGrade.DigestMatched : Engine.RecoveryPoints.PointGrade.Received;

    private static bool Has(ProtectedVmState state, HealthKind kind) => state.Causes.Any(cause => cause.Kind == kind);
}

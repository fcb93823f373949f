using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.WireValues;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

internal static partial class EventForms
{
    private static readonly StoredForm<ProtectedVmEvent>[] Failover =
    [
        V1<TestFailoverStarted, Wire.TestFailoverStarted>(
            "test-failover-started",
            e => new(At(e.At), e.By, To(e.Point)),
            m => new(Time(m.At), Needed(m.By), From(m.Point))),
        V1<TestFailoverReady, Wire.TestFailoverReady>(
            "test-failover-ready",
            e => new(At(e.At), e.Point.Value, e.Exports),
            m => new(Time(m.At), PointId(m.Point), m.Exports)),
        V1<TestFailoverCleanUpStarted, Wire.TestFailoverCleanUpStarted>(
            "test-failover-clean-up-started",
            e => new(At(e.At), e.By, e.Notes, ToOrNone(e.Error)),
            m => new(Time(m.At), Needed(m.By), Needed(m.Notes), FromOrNone(m.Error))),
        V1<TestFailoverCleanedUp, Wire.TestFailoverCleanedUp>(
            "test-failover-cleaned-up",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        V1<FailoverStarted, Wire.FailoverStarted>(
            "failover-started",
            e => new(At(e.At), e.By, e.Kind, To(e.Point), e.TryShutdown, e.Term.Value, e.Forced),
            m => new(Time(m.At), Needed(m.By), Needed(m.Kind), From(m.Point), m.TryShutdown, new Term(m.Term))
            {
                Forced = m.Forced,
            }),
        V1<WritesQuiesced, Wire.WritesQuiesced>(
            "writes-quiesced",
            e => new(At(e.At), e.LastLsn.Value, ToOrNone(e.Error)),
            m => new(Time(m.At), new Lsn(m.LastLsn), FromOrNone(m.Error))),
        V1<FailoverReady, Wire.FailoverReady>(
            "failover-ready",
            e => new(At(e.At), To(e.Recovery)),
            m => new(Time(m.At), From(m.Recovery))),
        V1<FailoverFailed, Wire.FailoverFailed>(
            "failover-failed",
            e => new(At(e.At), To(e.Error), e.Term.Value),
            m => new(Time(m.At), From(m.Error), new Term(m.Term))),
        V1<RecoveryPointChangeStarted, Wire.RecoveryPointChangeStarted>(
            "recovery-point-change-started",
            e => new(At(e.At), e.By, e.Point.Value),
            m => new(Time(m.At), Needed(m.By), PointId(m.Point))),
        V1<RecoveryPointChanged, Wire.RecoveryPointChanged>(
            "recovery-point-changed",
            e => new(At(e.At), To(e.Recovery)),
            m => new(Time(m.At), From(m.Recovery))),
        V1<RecoveryPointChangeFailed, Wire.RecoveryPointChangeFailed>(
            "recovery-point-change-failed",
            e => new(At(e.At), To(e.Error)),
            m => new(Time(m.At), From(m.Error))),
        V1<CommitStarted, Wire.CommitStarted>(
            "commit-started",
            e => new(At(e.At), e.By),
            m => new(Time(m.At), Needed(m.By))),
        V1<FailoverCommitted, Wire.FailoverCommitted>("failover-committed", e => new(At(e.At)), m => new(Time(m.At))),
        V1<CancelStarted, Wire.CancelStarted>(
            "cancel-started",
            e => new(At(e.At), e.By, e.DiscardedBytes, e.Term.Value),
            m => new(Time(m.At), Needed(m.By), m.DiscardedBytes, new Term(m.Term))),
        V1<FailoverCancelled, Wire.FailoverCancelled>("failover-cancelled", e => new(At(e.At)), m => new(Time(m.At))),
        V1<ReprotectStarted, Wire.ReprotectStarted>(
            "reprotect-started",
            e => new(At(e.At), e.By, e.Direction, e.DiscardedBytes, e.DiscardedUnknown),
            m => new(Time(m.At), Needed(m.By), Needed(m.Direction))
            {
                DiscardedBytes = m.DiscardedBytes,
                DiscardedUnknown = m.DiscardedUnknown,
            }),
        V1<ReprotectCompleted, Wire.ReprotectCompleted>(
            "reprotect-completed",
            e => new(At(e.At), e.Direction, e.SentBytes),
            m => new(Time(m.At), Needed(m.Direction), m.SentBytes)),
        V1<FailbackStarted, Wire.FailbackStarted>(
            "failback-started",
            e => new(At(e.At), e.By, e.Term.Value),
            m => new(Time(m.At), Needed(m.By), new Term(m.Term))),
        V1<FailbackReady, Wire.FailbackReady>("failback-ready", e => new(At(e.At)), m => new(Time(m.At))),
        V1<FailbackCommitted, Wire.FailbackCommitted>("failback-committed", e => new(At(e.At)), m => new(Time(m.At))),
        V1<SourceFenced, Wire.SourceFenced>(
            "source-fenced",
            e => new(At(e.At), e.DivergentBytes),
            m => new(Time(m.At), m.DivergentBytes)),
    ];
}

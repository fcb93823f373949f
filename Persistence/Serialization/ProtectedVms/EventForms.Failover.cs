using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.WireValues;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

internal static partial class EventForms
{
    private static readonly EventForm[] Failover =
    [
        EventForm.V1<TestFailoverStarted, Wire.TestFailoverStarted>(
            "test-failover-started",
            e => new() { At = At(e.At), By = e.By, Point = To(e.Point) },
            m => new(Time(m.At), m.By, From(m.Point))),
        EventForm.V1<TestFailoverReady, Wire.TestFailoverReady>(
            "test-failover-ready",
            e => new() { At = At(e.At), Point = e.Point.ToString(), Exports = e.Exports },
            m => new(Time(m.At), PointId(m.Point), m.Exports)),
        EventForm.V1<TestFailoverCleanUpStarted, Wire.TestFailoverCleanUpStarted>(
            "test-failover-clean-up-started",
            e => new() { At = At(e.At), By = e.By, Notes = e.Notes, Error = e.Error is null ? null : To(e.Error) },
            m => new(Time(m.At), m.By, m.Notes, m.Error is null ? null : From(m.Error))),
        EventForm.V1<TestFailoverCleanedUp, Wire.TestFailoverCleanedUp>(
            "test-failover-cleaned-up",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<FailoverStarted, Wire.FailoverStarted>(
            "failover-started",
            e => new()
            {
                At = At(e.At), By = e.By, Kind = (Wire.FailoverKind)e.Kind, Point = To(e.Point),
                TryShutdown = e.TryShutdown, Term = e.Term.Value, Forced = e.Forced,
            },
            m => new(Time(m.At), m.By, Known((FailoverKind)m.Kind), From(m.Point), m.TryShutdown, new Term(m.Term))
            {
                Forced = m.Forced,
            }),
        EventForm.V1<WritesQuiesced, Wire.WritesQuiesced>(
            "writes-quiesced",
            e => new() { At = At(e.At), LastLsn = e.LastLsn.Value, Error = e.Error is null ? null : To(e.Error) },
            m => new(Time(m.At), new Lsn(m.LastLsn), m.Error is null ? null : From(m.Error))),
        EventForm.V1<FailoverReady, Wire.FailoverReady>(
            "failover-ready",
            e => new() { At = At(e.At), Recovery = To(e.Recovery) },
            m => new(Time(m.At), From(m.Recovery))),
        EventForm.V1<FailoverFailed, Wire.FailoverFailed>(
            "failover-failed",
            e => new() { At = At(e.At), Error = To(e.Error), Term = e.Term.Value },
            m => new(Time(m.At), From(m.Error), new Term(m.Term))),
        EventForm.V1<RecoveryPointChangeStarted, Wire.RecoveryPointChangeStarted>(
            "recovery-point-change-started",
            e => new() { At = At(e.At), By = e.By, Point = e.Point.ToString() },
            m => new(Time(m.At), m.By, PointId(m.Point))),
        EventForm.V1<RecoveryPointChanged, Wire.RecoveryPointChanged>(
            "recovery-point-changed",
            e => new() { At = At(e.At), Recovery = To(e.Recovery) },
            m => new(Time(m.At), From(m.Recovery))),
        EventForm.V1<RecoveryPointChangeFailed, Wire.RecoveryPointChangeFailed>(
            "recovery-point-change-failed",
            e => new() { At = At(e.At), Error = To(e.Error) },
            m => new(Time(m.At), From(m.Error))),
        EventForm.V1<CommitStarted, Wire.CommitStarted>(
            "commit-started",
            e => new() { At = At(e.At), By = e.By },
            m => new(Time(m.At), m.By)),
        EventForm.V1<FailoverCommitted, Wire.FailoverCommitted>(
            "failover-committed",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<CancelStarted, Wire.CancelStarted>(
            "cancel-started",
            e => new() { At = At(e.At), By = e.By, DiscardedBytes = e.DiscardedBytes, Term = e.Term.Value },
            m => new(Time(m.At), m.By, m.DiscardedBytes, new Term(m.Term))),
        EventForm.V1<FailoverCancelled, Wire.FailoverCancelled>(
            "failover-cancelled",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<ReprotectStarted, Wire.ReprotectStarted>(
            "reprotect-started",
            e => new()
            {
                At = At(e.At), By = e.By, Direction = (Wire.Direction)e.Direction, DiscardedBytes = e.DiscardedBytes,
                DiscardedUnknown = e.DiscardedUnknown,
            },
            m => new(Time(m.At), m.By, Known((Direction)m.Direction))
            {
                DiscardedBytes = m.DiscardedBytes, DiscardedUnknown = m.DiscardedUnknown,
            }),
        EventForm.V1<ReprotectCompleted, Wire.ReprotectCompleted>(
            "reprotect-completed",
            e => new() { At = At(e.At), Direction = (Wire.Direction)e.Direction, SentBytes = e.SentBytes },
            m => new(Time(m.At), Known((Direction)m.Direction), m.SentBytes)),
        EventForm.V1<FailbackStarted, Wire.FailbackStarted>(
            "failback-started",
            e => new() { At = At(e.At), By = e.By, Term = e.Term.Value },
            m => new(Time(m.At), m.By, new Term(m.Term))),
        EventForm.V1<FailbackReady, Wire.FailbackReady>(
            "failback-ready",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<FailbackCommitted, Wire.FailbackCommitted>(
            "failback-committed",
            e => new() { At = At(e.At) },
            m => new(Time(m.At))),
        EventForm.V1<SourceFenced, Wire.SourceFenced>(
            "source-fenced",
            e => new() { At = At(e.At), DivergentBytes = e.DivergentBytes },
            m => new(Time(m.At), m.DivergentBytes)),
    ];
}

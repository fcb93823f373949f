using MessagePack;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>
/// The stored forms of failovers until they are committed or undone: events, commands and their contracts.
/// </summary>
internal static class FailingOverForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<FailoverStarted, FailoverStartedV1>(
            "failover-started.v1",
            e => new(At(e.At), e.By, e.Kind, To(e.Point), e.TryShutdown, e.Term.Value, e.Forced),
            m => new(Time(m.At), Needed(m.By), Needed(m.Kind), From(m.Point), m.TryShutdown, new Term(m.Term))
            {
                Forced = m.Forced,
            }),
        Event<WritesQuiesced, WritesQuiescedV1>(
            "writes-quiesced.v1",
            e => new(At(e.At), e.LastLsn.Value, ToOrNone(e.Error)),
            m => new(Time(m.At), new Lsn(m.LastLsn), FromOrNone(m.Error))),
        Event<FailoverReady, FailoverReadyV1>(
            "failover-ready.v1",
            e => new(At(e.At), To(e.Recovery)),
            m => new(Time(m.At), From(m.Recovery))),
        Event<RecoveryPointChangeStarted, RecoveryPointChangeStartedV1>(
            "recovery-point-change-started.v1",
            e => new(At(e.At), e.By, e.Point.Value, e.DiscardedBytes),
            m => new(Time(m.At), Needed(m.By), PointId(m.Point)) { DiscardedBytes = m.DiscardedBytes }),
        Event<RecoveryPointChanged, RecoveryPointChangedV1>(
            "recovery-point-changed.v1",
            e => new(At(e.At), To(e.Recovery)),
            m => new(Time(m.At), From(m.Recovery))),
        Event<RecoveryPointChangeFailed, RecoveryPointChangeFailedV1>(
            "recovery-point-change-failed.v1",
            e => new(At(e.At), To(e.Error)),
            m => new(Time(m.At), From(m.Error))),
        Event<SourceFenced, SourceFencedV1>(
            "source-fenced.v1",
            e => new(At(e.At), e.DivergentBytes),
            m => new(Time(m.At), m.DivergentBytes)),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<StartPlannedFailover, StartPlannedFailoverV1>(
            "start-planned-failover.v1",
            c => new([.. c.Writers], c.Force),
            m => new() { Writers = All(m.Writers, Needed), Force = m.Force }),
        Command<StartUnplannedFailover, StartUnplannedFailoverV1>(
            "start-unplanned-failover.v1",
            c => new(To(c.Choice), c.TryShutdown),
            m => new(From(m.Choice), m.TryShutdown)),
        Command<ChangeRecoveryPoint, ChangeRecoveryPointV1>(
            "change-recovery-point.v1",
            c => new(To(c.Choice), c.TargetWrittenBytes, c.Discard),
            m => new(From(m.Choice)) { TargetWrittenBytes = m.TargetWrittenBytes, Discard = m.Discard }),
        Command<RecordSourceFenced, RecordSourceFencedV1>(
            "record-source-fenced.v1",
            c => new(c.DivergentBytes),
            m => new(m.DivergentBytes)),
    ];
}

[MessagePackObject]
internal sealed record FailoverStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] FailoverKind? Kind,
    [property: Key(3)] ChosenPointV1? Point, [property: Key(4)] bool TryShutdown, [property: Key(5)] long Term,
    [property: Key(6)] bool Forced);

[MessagePackObject]
internal sealed record WritesQuiescedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] long LastLsn, [property: Key(2)] EffectErrorV1? Error);

[MessagePackObject]
internal sealed record FailoverReadyV1([property: Key(0)] DateTime? At, [property: Key(1)] RecoveryV1? Recovery);

[MessagePackObject]
internal sealed record RecoveryPointChangeStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Guid? Point,
    [property: Key(3)] long DiscardedBytes);

[MessagePackObject]
internal sealed record RecoveryPointChangedV1([property: Key(0)] DateTime? At, [property: Key(1)] RecoveryV1? Recovery);

[MessagePackObject]
internal sealed record RecoveryPointChangeFailedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectErrorV1? Error);

[MessagePackObject]
internal sealed record SourceFencedV1([property: Key(0)] DateTime? At, [property: Key(1)] long DivergentBytes);

[MessagePackObject]
internal sealed record StartPlannedFailoverV1([property: Key(0)] string[]? Writers, [property: Key(1)] bool Force);

[MessagePackObject]
internal sealed record StartUnplannedFailoverV1(
    [property: Key(0)] PointChoiceV1? Choice, [property: Key(1)] bool TryShutdown);

[MessagePackObject]
internal sealed record ChangeRecoveryPointV1(
    [property: Key(0)] PointChoiceV1? Choice, [property: Key(1)] long TargetWrittenBytes,
    [property: Key(2)] bool Discard);

[MessagePackObject]
internal sealed record RecordSourceFencedV1([property: Key(0)] long DivergentBytes);

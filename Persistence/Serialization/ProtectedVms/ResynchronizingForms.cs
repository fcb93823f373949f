using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of resyncs: events, commands and their contracts.</summary>
internal static class ResynchronizingForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<ResyncMarked, ResyncMarkedV1>(
            "resync-marked.v1",
            e => new(At(e.At), [.. e.Reasons], AtOrNone(e.StartsAt)),
            m => new(Time(m.At), All(m.Reasons), TimeOrNone(m.StartsAt))),
        Event<ResyncStarted, ResyncStartedV1>(
            "resync-started.v1",
            e => new(At(e.At), e.By, [.. e.Reasons], e.Ordered),
            m => new(Time(m.At), Needed(m.By), All(m.Reasons), m.Ordered)),
        Event<ResyncCompleted, ResyncCompletedV1>(
            "resync-completed.v1",
            e => new(At(e.At), e.SentBytes),
            m => new(Time(m.At), m.SentBytes)),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<StartResync, StartResyncV1>("start-resync.v1", c => new(), m => new()),
        Command<RecordResyncNeeded, RecordResyncNeededV1>(
            "record-resync-needed.v1",
            c => new(c.Reason),
            m => new(Needed(m.Reason))),
        Command<RecordResyncStarted, RecordResyncStartedV1>(
            "record-resync-started.v1",
            c => new(c.Reason),
            m => new(Needed(m.Reason))),
        Command<RecordResyncCompleted, RecordResyncCompletedV1>(
            "record-resync-completed.v1",
            c => new(c.SentBytes),
            m => new(m.SentBytes)),
        Command<RecordResyncFailed, RecordResyncFailedV1>(
            "record-resync-failed.v1",
            c => new(To(c.Error)),
            m => new(From(m.Error))),
    ];
}

[MessagePackObject]
internal sealed record ResyncMarkedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] ResyncReason[]? Reasons,
    [property: Key(2)] DateTime? StartsAt);

[MessagePackObject]
internal sealed record ResyncStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] ResyncReason[]? Reasons,
    [property: Key(3)] bool Ordered);

[MessagePackObject]
internal sealed record ResyncCompletedV1([property: Key(0)] DateTime? At, [property: Key(1)] long SentBytes);

[MessagePackObject]
internal sealed record StartResyncV1;

[MessagePackObject]
internal sealed record RecordResyncNeededV1([property: Key(0)] ResyncReason? Reason);

[MessagePackObject]
internal sealed record RecordResyncStartedV1([property: Key(0)] ResyncReason? Reason);

[MessagePackObject]
internal sealed record RecordResyncCompletedV1([property: Key(0)] long SentBytes);

[MessagePackObject]
internal sealed record RecordResyncFailedV1([property: Key(0)] EffectErrorV1? Error);

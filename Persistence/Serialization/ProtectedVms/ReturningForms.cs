using MessagePack;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of reprotect and failback: events, commands and their contracts.</summary>
internal static class ReturningForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<ReprotectStarted, ReprotectStartedV1>(
            "reprotect-started.v1",
            e => new(At(e.At), e.By, e.Direction, e.DiscardedBytes, e.DiscardedUnknown),
            m => new(Time(m.At), Needed(m.By), Needed(m.Direction))
            {
                DiscardedBytes = m.DiscardedBytes,
                DiscardedUnknown = m.DiscardedUnknown,
            }),
        Event<ReprotectCompleted, ReprotectCompletedV1>(
            "reprotect-completed.v1",
            e => new(At(e.At), e.Direction, e.SentBytes),
            m => new(Time(m.At), Needed(m.Direction), m.SentBytes)),
        Event<FailbackStarted, FailbackStartedV1>(
            "failback-started.v1",
            e => new(At(e.At), e.By, e.Term.Value),
            m => new(Time(m.At), Needed(m.By), new Term(m.Term))),
        Event<FailbackReady, FailbackReadyV1>("failback-ready.v1", e => new(At(e.At)), m => new(Time(m.At))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<Reprotect, ReprotectV1>("reprotect.v1", c => new(c.Discard), m => new(m.Discard)),
        Command<Failback, FailbackV1>("failback.v1", c => new(), m => new()),
    ];
}

[MessagePackObject]
internal sealed record ReprotectStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Direction? Direction,
    [property: Key(3)] long DiscardedBytes, [property: Key(4)] bool DiscardedUnknown);

[MessagePackObject]
internal sealed record ReprotectCompletedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] Direction? Direction, [property: Key(2)] long SentBytes);

[MessagePackObject]
internal sealed record FailbackStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] long Term);

[MessagePackObject]
internal sealed record FailbackReadyV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record ReprotectV1([property: Key(0)] bool Discard);

[MessagePackObject]
internal sealed record FailbackV1;

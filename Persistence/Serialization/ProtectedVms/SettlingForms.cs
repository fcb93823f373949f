using MessagePack;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>
/// The stored forms that commit or undo failovers and failbacks: events, commands and their contracts.
/// </summary>
internal static class SettlingForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<CommitStarted, CommitStartedV1>(
            "commit-started.v1",
            e => new(At(e.At), e.By),
            m => new(Time(m.At), Needed(m.By))),
        Event<FailoverCommitted, FailoverCommittedV1>(
            "failover-committed.v1",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        Event<FailbackCommitted, FailbackCommittedV1>(
            "failback-committed.v1",
            e => new(At(e.At)),
            m => new(Time(m.At))),
        Event<CancelStarted, CancelStartedV1>(
            "cancel-started.v1",
            e => new(At(e.At), e.By, e.DiscardedBytes, e.Term.Value),
            m => new(Time(m.At), Needed(m.By), m.DiscardedBytes, new Term(m.Term))),
        Event<FailoverFailed, FailoverFailedV1>(
            "failover-failed.v1",
            e => new(At(e.At), To(e.Error), e.Term.Value),
            m => new(Time(m.At), From(m.Error), new Term(m.Term))),
        Event<FailoverCancelled, FailoverCancelledV1>(
            "failover-cancelled.v1",
            e => new(At(e.At)),
            m => new(Time(m.At))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<Commit, CommitV1>("commit.v1", c => new(), m => new()),
        Command<CancelFailover, CancelFailoverV1>(
            "cancel-failover.v1",
            c => new(c.TargetWrittenBytes, c.Discard),
            m => new(m.TargetWrittenBytes, m.Discard)),
    ];
}

[MessagePackObject]
internal sealed record CommitStartedV1([property: Key(0)] DateTime? At, [property: Key(1)] string? By);

[MessagePackObject]
internal sealed record FailoverCommittedV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record FailbackCommittedV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record CancelStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] long DiscardedBytes,
    [property: Key(3)] long Term);

[MessagePackObject]
internal sealed record FailoverFailedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectErrorV1? Error, [property: Key(2)] long Term);

[MessagePackObject]
internal sealed record FailoverCancelledV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record CommitV1;

[MessagePackObject]
internal sealed record CancelFailoverV1([property: Key(0)] long TargetWrittenBytes, [property: Key(1)] bool Discard);

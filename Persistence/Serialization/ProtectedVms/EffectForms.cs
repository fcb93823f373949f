using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of effects and timers: events, commands and their contracts.</summary>
internal static class EffectForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<EffectConfirmed, EffectConfirmedV1>(
            "effect-confirmed.v1",
            e => new(At(e.At), e.Kind),
            m => new(Time(m.At), Needed(m.Kind))),
        Event<EffectFailed, EffectFailedV1>(
            "effect-failed.v1",
            e => new(At(e.At), e.Kind, To(e.Error), e.Failures, AtOrNone(e.RetryAt)),
            m => new(Time(m.At), Needed(m.Kind), From(m.Error), m.Failures, TimeOrNone(m.RetryAt))),
        Event<EffectRetried, EffectRetriedV1>(
            "effect-retried.v1",
            e => new(At(e.At), e.By, e.Kind),
            m => new(Time(m.At), Needed(m.By), Needed(m.Kind))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<TimerDue, TimerDueV1>(
            "timer-due.v1",
            c => new(c.Name, At(c.DueAt)),
            m => new(Needed(m.Name), Time(m.DueAt))),
        Command<RetryJob, RetryJobV1>("retry-job.v1", c => new(), m => new()),
        Command<RecordEffectSucceeded, RecordEffectSucceededV1>(
            "record-effect-succeeded.v1",
            c => new(c.Effect.Value, To(c.Result)),
            m => new(EffectIdOf(m.Effect), From(m.Result))),
        Command<RecordEffectFailed, RecordEffectFailedV1>(
            "record-effect-failed.v1",
            c => new(c.Effect.Value, To(c.Error)),
            m => new(EffectIdOf(m.Effect), From(m.Error))),
    ];
}

[MessagePackObject]
internal sealed record EffectConfirmedV1([property: Key(0)] DateTime? At, [property: Key(1)] EffectKind? Kind);

[MessagePackObject]
internal sealed record EffectFailedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] EffectKind? Kind, [property: Key(2)] EffectErrorV1? Error,
    [property: Key(3)] int Failures, [property: Key(4)] DateTime? RetryAt);

[MessagePackObject]
internal sealed record EffectRetriedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] EffectKind? Kind);

[MessagePackObject]
internal sealed record TimerDueV1([property: Key(0)] string? Name, [property: Key(1)] DateTime? DueAt);

[MessagePackObject]
internal sealed record RetryJobV1;

[MessagePackObject]
internal sealed record RecordEffectSucceededV1(
    [property: Key(0)] string? Effect, [property: Key(1)] EffectResultV1? Result);

[MessagePackObject]
internal sealed record RecordEffectFailedV1([property: Key(0)] string? Effect, [property: Key(1)] EffectErrorV1? Error);

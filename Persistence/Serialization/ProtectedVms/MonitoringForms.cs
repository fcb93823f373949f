using MessagePack;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of health causes: events, commands and their contracts.</summary>
internal static class MonitoringForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<HealthCauseRaised, HealthCauseRaisedV1>(
            "health-cause-raised.v1",
            e => new(At(e.At), To(e.Cause)),
            m => new(Time(m.At), From(m.Cause))),
        Event<HealthCauseCleared, HealthCauseClearedV1>(
            "health-cause-cleared.v1",
            e => new(At(e.At), e.Kind),
            m => new(Time(m.At), Needed(m.Kind))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<RecordLag, RecordLagV1>("record-lag.v1", c => new(c.Lag, c.Bytes), m => new(Needed(m.Lag), m.Bytes)),
        Command<RecordDirtyMapModeEntered, RecordDirtyMapModeEnteredV1>(
            "record-dirty-map-mode-entered.v1",
            c => new(c.Reason),
            m => new(Needed(m.Reason))),
        Command<RecordDirtyMapModeLeft, RecordDirtyMapModeLeftV1>(
            "record-dirty-map-mode-left.v1",
            c => new(),
            m => new()),
        Command<RecordAgentConnected, RecordAgentConnectedV1>("record-agent-connected.v1", c => new(), m => new()),
        Command<RecordAgentDisconnected, RecordAgentDisconnectedV1>(
            "record-agent-disconnected.v1",
            c => new(c.Reason),
            m => new(Needed(m.Reason))),
        Command<RecordHealthCause, RecordHealthCauseV1>(
            "record-health-cause.v1",
            c => new(To(c.Cause)),
            m => new(From(m.Cause))),
        Command<RecordHealthRestored, RecordHealthRestoredV1>(
            "record-health-restored.v1",
            c => new(c.Kind),
            m => new(Needed(m.Kind))),
        Command<RecordTargetStoreCorrupt, RecordTargetStoreCorruptV1>(
            "record-target-store-corrupt.v1",
            c => new(c.Message, c.Remedy),
            m => new(Needed(m.Message), Needed(m.Remedy))),
        Command<RecordTargetStoreRepaired, RecordTargetStoreRepairedV1>(
            "record-target-store-repaired.v1",
            c => new(),
            m => new()),
    ];
}

[MessagePackObject]
internal sealed record HealthCauseRaisedV1([property: Key(0)] DateTime? At, [property: Key(1)] HealthCauseV1? Cause);

[MessagePackObject]
internal sealed record HealthCauseClearedV1([property: Key(0)] DateTime? At, [property: Key(1)] HealthKind? Kind);

[MessagePackObject]
internal sealed record RecordLagV1([property: Key(0)] TimeSpan? Lag, [property: Key(1)] long Bytes);

[MessagePackObject]
internal sealed record RecordDirtyMapModeEnteredV1([property: Key(0)] string? Reason);

[MessagePackObject]
internal sealed record RecordDirtyMapModeLeftV1;

[MessagePackObject]
internal sealed record RecordAgentConnectedV1;

[MessagePackObject]
internal sealed record RecordAgentDisconnectedV1([property: Key(0)] string? Reason);

[MessagePackObject]
internal sealed record RecordHealthCauseV1([property: Key(0)] HealthCauseV1? Cause);

[MessagePackObject]
internal sealed record RecordHealthRestoredV1([property: Key(0)] HealthKind? Kind);

[MessagePackObject]
internal sealed record RecordTargetStoreCorruptV1(
    [property: Key(0)] string? Message, [property: Key(1)] string? Remedy);

[MessagePackObject]
internal sealed record RecordTargetStoreRepairedV1;

using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of disabling: events, commands and their contracts.</summary>
internal static class DisablingForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<DisableStarted, DisableStartedV1>(
            "disable-started.v1",
            e => new(At(e.At), e.By, e.KeepReplica),
            m => new(Time(m.At), Needed(m.By), m.KeepReplica)),
        Event<ProtectionDisabled, ProtectionDisabledV1>(
            "protection-disabled.v1",
            e => new(At(e.At)),
            m => new(Time(m.At))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<Disable, DisableV1>("disable.v1", c => new(c.KeepReplica), m => new(m.KeepReplica)),
    ];
}

[MessagePackObject]
internal sealed record DisableStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] bool KeepReplica);

[MessagePackObject]
internal sealed record ProtectionDisabledV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record DisableV1([property: Key(0)] bool KeepReplica);

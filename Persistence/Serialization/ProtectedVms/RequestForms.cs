using MessagePack;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of users' requests in every phase: events and their contracts.</summary>
internal static class RequestForms
{
    /// <summary>The events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<CommandAccepted, CommandAcceptedV1>(
            "command-accepted.v1",
            e => new(At(e.At), e.By, e.Command.Value, e.Digest),
            m => new(Time(m.At), Needed(m.By), new CommandId(Needed(m.Command)), Needed(m.Digest))),
    ];
}

[MessagePackObject]
internal sealed record CommandAcceptedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] Guid? Command,
    [property: Key(3)] string? Digest);

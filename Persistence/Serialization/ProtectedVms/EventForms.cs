using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

// A new event needs a contract in Contracts/V1, a form in one of the lists, and its golden bytes. A released form is
// never changed in what it reads: a contract only gains members behind its last one. When an event's meaning changes,
// the new form gets a v2 name, and the old one stays to be decoded to today's event.

/// <summary>The stored forms of all events, in files by theme.</summary>
internal static partial class EventForms
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<StoredForm<ProtectedVmEvent>> All => [.. Lifecycle, .. Replication, .. Failover];

    private static StoredForm<ProtectedVmEvent> V1<TEvent, TContract>(
        string shortName, Func<TEvent, TContract> toContract, Func<TContract, TEvent> fromContract)
        where TEvent : ProtectedVmEvent
        where TContract : class =>
        StoredForm<ProtectedVmEvent>.Of($"protected-vm.{shortName}.v1", toContract, fromContract);
}

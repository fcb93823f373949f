namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

// A new event needs a message in Contracts/v1/protected_vm.proto, a form in one of the lists, and its golden bytes. A
// released form is never changed in what it reads; when an event's meaning changes, its form moves to a list of old
// forms that decode to today's event, and the new one gets a v2 name.

/// <summary>The forms of all events, in files by theme.</summary>
internal static partial class EventForms
{
    /// <summary>All of them.</summary>
    public static IEnumerable<EventForm> All => [.. Lifecycle, .. Replication, .. Failover];
}

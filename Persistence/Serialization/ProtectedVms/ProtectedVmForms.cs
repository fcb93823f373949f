using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

// A new event or command needs a contract and a form, both in the file of its phase, and its golden bytes. What a
// released form reads never changes: a contract only gains members after its last one. When an event's meaning changes,
// the new form gets a v2 name and a contract of its own, and the old one stays to be decoded to the current event. A
// command is stored with the events that it produced, so that a verification can decide it again: the decoded command
// equals the encoded one.

/// <summary>The stored forms of all events and commands, phase by phase.</summary>
internal static class ProtectedVmForms
{
    /// <summary>The forms of all events.</summary>
    public static IReadOnlyList<StoredForm<ProtectedVmEvent>> Events =>
    [
        .. RequestForms.Events, .. EnablingForms.Events, .. RecoveringForms.Events, .. ReplicatingForms.Events,
        .. ResynchronizingForms.Events, .. PointForms.Events, .. TestingForms.Events, .. FailingOverForms.Events,
        .. SettlingForms.Events, .. ReturningForms.Events, .. DisablingForms.Events, .. MonitoringForms.Events,
        .. EffectForms.Events,
    ];

    /// <summary>The forms of all commands.</summary>
    public static IReadOnlyList<StoredForm<ProtectedVmCommand>> Commands =>
    [
        .. EnablingForms.Commands, .. RecoveringForms.Commands, .. ReplicatingForms.Commands,
        .. ResynchronizingForms.Commands, .. PointForms.Commands, .. TestingForms.Commands,
        .. FailingOverForms.Commands, .. SettlingForms.Commands, .. ReturningForms.Commands, .. DisablingForms.Commands,
        .. MonitoringForms.Commands, .. EffectForms.Commands,
    ];

    /// <summary>Returns the form of an event under a name and version such as <c>commit-started.v1</c>.</summary>
    public static StoredForm<ProtectedVmEvent> Event<TEvent, TContract>(
        string name, Func<TEvent, TContract> toContract, Func<TContract, TEvent> fromContract)
        where TEvent : ProtectedVmEvent
        where TContract : class =>
        StoredForm<ProtectedVmEvent>.Of($"protected-vm.{name}", toContract, fromContract);

    /// <summary>Returns the form of a command under a name and version such as <c>commit.v1</c>.</summary>
    public static StoredForm<ProtectedVmCommand> Command<TCommand, TContract>(
        string name, Func<TCommand, TContract> toContract, Func<TContract, TCommand> fromContract)
        where TCommand : ProtectedVmCommand
        where TContract : class =>
        StoredForm<ProtectedVmCommand>.Of($"protected-vm.command.{name}", toContract, fromContract);
}

using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>Shorthands for the decisions that the phases return.</summary>
internal static class Decisions
{
    /// <summary>Accepts with the given events. Without events the command changes nothing.</summary>
    public static Decision<ProtectedVmEvent> Accept(params ReadOnlySpan<ProtectedVmEvent> events) =>
        Decision<ProtectedVmEvent>.Accept(events);

    /// <summary>Accepts with the events of a list.</summary>
    public static Decision<ProtectedVmEvent> AcceptAll(ValueList<ProtectedVmEvent> events) =>
        Decision<ProtectedVmEvent>.Accept(events.Items.AsSpan());

    /// <summary>Refuses with the given reason.</summary>
    public static Decision<ProtectedVmEvent> Refuse(ProtectedVmRefusal refusal) =>
        Decision<ProtectedVmEvent>.Refuse(refusal);

    /// <summary>
    /// Returns the refusal of an operation that the state does not offer; null when the state offers it.
    /// </summary>
    public static Decision<ProtectedVmEvent>? NotOffered(ProtectedVmState state, Operation operation) =>
        ProtectedVmOperations.Check(state, operation) is { } refusal ? Refuse(refusal) : null;
}

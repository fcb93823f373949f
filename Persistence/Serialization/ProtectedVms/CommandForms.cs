using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

// A command is stored with the events that it led to, so that a verification can decide it again. What is decoded
// therefore equals what was encoded; the rules for new and changed forms are those of EventForms.

/// <summary>The stored forms of all commands: what users ask for, and facts from outside.</summary>
internal static partial class CommandForms
{
    /// <summary>All of them.</summary>
    public static IReadOnlyList<StoredForm<ProtectedVmCommand>> All => [.. Users, .. Facts];

    private static StoredForm<ProtectedVmCommand> V1<TCommand, TContract>(
        string shortName, Func<TCommand, TContract> toContract, Func<TContract, TCommand> fromContract)
        where TCommand : ProtectedVmCommand
        where TContract : class =>
        StoredForm<ProtectedVmCommand>.Of($"protected-vm.command.{shortName}.v1", toContract, fromContract);
}

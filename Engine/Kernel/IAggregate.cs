using System.Collections.Immutable;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// An event-sourced aggregate: a set of pure functions over its state. Each entity type is implemented by a stateless
/// type with static members, so a host needs no instance and no state can hide in one.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item><see cref="Decide"/> is total: events or a refusal, never an exception.</item>
/// <item><see cref="Evolve"/> is total over known, possible events and throws <see cref="ImpossibleEventException"/>
/// for anything else: that is corruption, and the entity stops.</item>
/// <item><see cref="Outstanding"/> and <see cref="Timers"/> derive from the state alone what is still
/// outstanding.</item>
/// <item><see cref="CheckInvariants"/> runs after every Evolve, in production too; it throws
/// <see cref="InvariantViolationException"/>.</item>
/// </list>
/// </remarks>
public interface IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <summary>The entity type as used in persistence ids, such as <c>protected-vm</c>.</summary>
    static abstract string TypeName { get; }

    /// <summary>The state before any event.</summary>
    static abstract TState Initial { get; }

    /// <summary>Decides a command: returns events or a refusal.</summary>
    static abstract Decision<TEvent> Decide(TState state, TCommand command, DecisionContext context);

    /// <summary>Applies one event to a state and returns the new state.</summary>
    static abstract TState Evolve(TState state, TEvent @event);

    /// <summary>
    /// Returns the effects outstanding in a state; a pure function. The host starts an effect that becomes outstanding
    /// and cancels one that no longer is.
    /// </summary>
    static abstract ImmutableArray<Effect> Outstanding(TState state);

    /// <summary>Returns the durable timers armed in a state; a pure function.</summary>
    static abstract ImmutableArray<DurableTimer> Timers(TState state);

    /// <summary>Returns the command that a due timer triggers.</summary>
    static abstract TCommand TimerDue(string name, DateTimeOffset dueAt);

    /// <summary>Throws <see cref="InvariantViolationException"/> when the state breaks an invariant.</summary>
    static abstract void CheckInvariants(TState state);
}

/// <summary>Thrown for an event that cannot follow the state it is applied to: the stream is corrupt.</summary>
public sealed class ImpossibleEventException(string message) : Exception(message);

/// <summary>Thrown for a state that breaks a declared invariant.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);

/// <summary>The key under which an entity's events are stored: <c>type|vault|entity</c>.</summary>
public readonly record struct PersistenceId(string Type, VaultId Vault, string Entity)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Type}|{Vault}|{Entity}";
}

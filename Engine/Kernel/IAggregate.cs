using System.Collections.Immutable;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// An event-sourced aggregate as a set of pure functions over its state. Implemented once per entity type by a
/// stateless type with static members, so that a host needs no instance and nothing can hide in one.
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
    /// <summary>The entity type as it stands in persistence ids, such as <c>protected-vm</c>.</summary>
    static abstract string TypeName { get; }

    /// <summary>The state before any event.</summary>
    static abstract TState Initial { get; }

    /// <summary>Decides a command.</summary>
    static abstract Decision<TEvent> Decide(TState state, TCommand command, DecisionContext context);

    /// <summary>Folds one event.</summary>
    static abstract TState Evolve(TState state, TEvent @event);

    /// <summary>
    /// The effects outstanding in this state; a pure function of it. One that was not outstanding before is started,
    /// one that is outstanding no longer is cancelled.
    /// </summary>
    static abstract ImmutableArray<Effect> Outstanding(TState state);

    /// <summary>The durable timers armed in this state; a pure function of it.</summary>
    static abstract ImmutableArray<DurableTimer> Timers(TState state);

    /// <summary>The command that a due timer becomes.</summary>
    static abstract TCommand TimerDue(string name, DateTimeOffset dueAt);

    /// <summary>Throws when the state breaks an invariant.</summary>
    static abstract void CheckInvariants(TState state);
}

/// <summary>An event that cannot follow the state it was folded into: the stream is corrupt.</summary>
public sealed class ImpossibleEventException(string message) : Exception(message);

/// <summary>A state that breaks a declared invariant.</summary>
public sealed class InvariantViolationException(string message) : Exception(message);

/// <summary>The name under which an entity's events are stored: <c>type|vault|entity</c>.</summary>
public readonly record struct PersistenceId(string Type, VaultId Vault, string Entity)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Type}|{Vault}|{Entity}";
}

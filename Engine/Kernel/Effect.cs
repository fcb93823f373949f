using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// Work outside the entity, outstanding as long as the durable state requires it (Outstanding). The same id always
/// means the same work, so an effect may be delivered to its runner more than once. Each aggregate derives its own
/// closed set.
/// </summary>
public abstract record Effect
{
    /// <summary>The effect's id. The outcome returns as a <c>Record…</c> command with this id.</summary>
    public required EffectId Id { get; init; }
}

/// <summary>
/// A timer that survives a restart. At <paramref name="DueAt"/> the entity is activated and receives the timer's name.
/// </summary>
/// <param name="Name">The name, unique within the entity. Setting a timer under an existing name replaces the old
/// timer.</param>
/// <param name="DueAt">When the timer is due (UTC). A time in the past means at once.</param>
public sealed record DurableTimer(string Name, DateTimeOffset DueAt);

using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// Work outside the entity, outstanding as long as the durable state says so (Outstanding). The same id always means
/// the same work, so the one who carries it out may be told of it twice. Each aggregate derives its own closed set.
/// </summary>
public abstract record Effect
{
    /// <summary>The id; the outcome comes back as a <c>Record…</c> command that names it.</summary>
    public required EffectId Id { get; init; }
}

/// <summary>
/// A timer that outlives the process: at <paramref name="DueAt"/> the entity is woken and told its name.
/// </summary>
/// <param name="Name">Unique within the entity; a timer set again under the same name replaces the old one.</param>
/// <param name="DueAt">When it is due (UTC); in the past means at once.</param>
public sealed record DurableTimer(string Name, DateTimeOffset DueAt);

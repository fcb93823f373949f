using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// One moment by two clocks (I26). What people read and what must survive a restart is wall time; what passes between
/// two moments is measured by the steady clock, which no one can set.
/// </summary>
/// <param name="Wall">The wall clock's time (UTC); it may jump either way.</param>
/// <param name="Steady">
/// The wall clock's time when the host started, plus what has passed since: never back, never ahead.
/// </param>
public readonly record struct EngineInstant(DateTimeOffset Wall, DateTimeOffset Steady)
{
    /// <summary>What <see cref="Steady"/> was when the host started: it tells its lives apart.</summary>
    public DateTimeOffset HostStarted { get; init; }

    /// <summary>The steady time as decisions know it.</summary>
    internal SteadyInstant InLife => new(HostStarted, Steady);
}

/// <summary>A durable timer and when it rings by the steady clock.</summary>
public sealed record ArmedTimer(DurableTimer Timer, DateTimeOffset Due);

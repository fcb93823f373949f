using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// An instant on two clocks (I26). Displayed times and times that must survive a restart are wall time. Elapsed time is
/// measured by the steady clock, which cannot be set.
/// </summary>
/// <param name="Wall">The wall clock's time (UTC), which may jump in either direction.</param>
/// <param name="Steady">The wall clock's time when the host started, plus the time elapsed since. It never
/// jumps.</param>
public readonly record struct EngineInstant(DateTimeOffset Wall, DateTimeOffset Steady)
{
    /// <summary>
    /// The value of <see cref="Steady"/> when the host started, which identifies the run of the host.
    /// </summary>
    public DateTimeOffset HostStarted { get; init; }

    /// <summary>The steady time in the form that decisions use.</summary>
    internal SteadyInstant InLife => new(HostStarted, Steady);
}

/// <summary>A durable timer and its due time on the steady clock.</summary>
public sealed record ArmedTimer(DurableTimer Timer, DateTimeOffset Due);

using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// When an entity must be woken although nobody asks for it; stored with each command's events, so that a passive
/// entity, or all of them after a restart, wake up.
/// </summary>
/// <param name="NextDue">The earliest durable timer (UTC), if any.</param>
/// <param name="OwesEffects">Whether effects are outstanding: such an entity is recovered when the host starts.</param>
public readonly record struct WakeMark(DateTimeOffset? NextDue, bool OwesEffects)
{
    /// <summary>Nothing to wake for.</summary>
    public static WakeMark None => default;
}

/// <summary>One line of the reminder index.</summary>
public sealed record WakeEntry(PersistenceId Id, WakeMark Mark);

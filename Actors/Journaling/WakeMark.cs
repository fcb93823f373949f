using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// When an entity must be woken without a request. The mark is stored with each command's events, so that passive
/// entities wake in time, also after a restart.
/// </summary>
/// <param name="NextDue">The earliest durable timer (UTC); null when there is none.</param>
/// <param name="OwesEffects">Whether effects are outstanding. Such an entity is recovered when the host starts.</param>
public readonly record struct WakeMark(DateTimeOffset? NextDue, bool OwesEffects)
{
    /// <summary>The mark of an entity that need not be woken.</summary>
    public static WakeMark None => default;
}

/// <summary>An entry of the wake index.</summary>
public sealed record WakeEntry(PersistenceId Id, WakeMark Mark);

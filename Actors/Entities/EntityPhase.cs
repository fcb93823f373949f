namespace ReplicationEngine.Actors.Entities;

/// <summary>The phases of an entity's core; see the head of EntityCore.cs.</summary>
public enum EntityPhase
{
    /// <summary>The core is reading snapshot and stream.</summary>
    Recovering,

    /// <summary>The core is ready for commands.</summary>
    Ready,

    /// <summary>The core is waiting for a command lookup in the journal.</summary>
    LookingUp,

    /// <summary>The core is waiting for the journal to store events.</summary>
    Persisting,

    /// <summary>The entity is out of service; the cause is recorded.</summary>
    Quarantined,

    /// <summary>The core has ended, with nothing in flight.</summary>
    Ended,
}

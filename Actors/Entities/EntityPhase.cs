namespace ReplicationEngine.Actors.Entities;

/// <summary>What an entity's core is waiting for; see the head of EntityCore.cs.</summary>
public enum EntityPhase
{
    /// <summary>Takes snapshot and stream.</summary>
    Recovering,

    /// <summary>Serves.</summary>
    Ready,

    /// <summary>Asks the journal whether it knows a command.</summary>
    LookingUp,

    /// <summary>Waits for the journal.</summary>
    Persisting,

    /// <summary>Out of service, with a cause.</summary>
    Quarantined,

    /// <summary>Ended; nothing in flight.</summary>
    Ended,
}

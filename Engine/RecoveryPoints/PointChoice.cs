using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.RecoveryPoints;

/// <summary>The choice of a recovery point for a failover or test failover (RCP-5).</summary>
public abstract record PointChoice
{
    private PointChoice()
    {
    }

    /// <summary>Processes everything received and seals it as a new point: the smallest data loss.</summary>
    public sealed record Latest : PointChoice;

    /// <summary>The newest usable point that exists: the shortest recovery time.</summary>
    public sealed record LatestProcessed : PointChoice;

    /// <summary>The newest usable application-consistent point.</summary>
    public sealed record LatestAppConsistent : PointChoice;

    /// <summary>The point with this id.</summary>
    public sealed record Specific(RecoveryPointId Id) : PointChoice;
}

/// <summary>The point that a choice resolved to when the operation began.</summary>
/// <param name="Id">The id of the point. When <paramref name="SealNow"/>, the id under which it will be sealed.</param>
/// <param name="SealNow">Whether to process everything received and seal it under that id, instead of using an existing
/// point.</param>
public sealed record ChosenPoint(RecoveryPointId Id, bool SealNow);

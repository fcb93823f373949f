using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.RecoveryPoints;

/// <summary>Which point a failover or test failover recovers to (RCP-5).</summary>
public abstract record PointChoice
{
    private PointChoice()
    {
    }

    /// <summary>Everything received is processed first and sealed as a new point: the smallest loss.</summary>
    public sealed record Latest : PointChoice;

    /// <summary>The newest usable point that exists: the shortest wait.</summary>
    public sealed record LatestProcessed : PointChoice;

    /// <summary>The newest usable application-consistent point.</summary>
    public sealed record LatestAppConsistent : PointChoice;

    /// <summary>The point with this id.</summary>
    public sealed record Specific(RecoveryPointId Id) : PointChoice;
}

/// <summary>A choice made definite when the operation began.</summary>
/// <param name="Id">The point; the id under which it is to be sealed when <paramref name="SealNow"/>.</param>
/// <param name="SealNow">
/// Process everything received and seal it under that id, rather than take a point that exists.
/// </param>
public sealed record ChosenPoint(RecoveryPointId Id, bool SealNow);

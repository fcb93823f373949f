using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The outcome of inserting a marker.</summary>
public abstract record MarkerOutcome
{
    private MarkerOutcome()
    {
    }

    /// <summary>The marker is in the log: the point holds exactly the changes before it.</summary>
    public sealed record Inserted(ChangePosition Position, DateTimeOffset Time) : MarkerOutcome;

    /// <summary>No point can be made now.</summary>
    public sealed record Refused(MarkerRefusal Reason, string Message) : MarkerOutcome;
}

/// <summary>The reason why no point can be made.</summary>
public enum MarkerRefusal
{
    /// <summary>The log does not hold the writes at the moment; a resync must run first (I12).</summary>
    DirtyMapMode,

    /// <summary>The volume is fenced (FOV-8).</summary>
    Fenced,
}

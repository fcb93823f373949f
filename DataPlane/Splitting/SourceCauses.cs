using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>A volume's causes as the domain knows them.</summary>
public static class SourceCauses
{
    /// <summary>The cause.</summary>
    public static SightedCause Sighted(this SourceCause cause) => cause switch
    {
        SourceCause.None => SightedCause.None,
        SourceCause.CacheFull or SourceCause.NoSpace or SourceCause.CacheFailed => SightedCause.LogFull,
        SourceCause.BacklogHalfOfDisk => SightedCause.LogHalfOfDisk,
        SourceCause.UncleanShutdown => SightedCause.UncleanShutdown,
        SourceCause.Resized => SightedCause.Resized,
        SourceCause.ChangedOutside => SightedCause.ChangedOutside,
        SourceCause.UserRequest => SightedCause.UserRequest,
        SourceCause.HistoryForked => SightedCause.HistoryForked,
        SourceCause.LogDamaged or SourceCause.ReplicaUnknown or SourceCause.DeviceWriteFailed => SightedCause.Damaged,
        SourceCause.InitialReplication or SourceCause.FailedBack => SightedCause.Other,
        _ => throw new ArgumentOutOfRangeException(nameof(cause), cause, "Not a cause."),
    };
}

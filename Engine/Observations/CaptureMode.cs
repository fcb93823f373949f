namespace ReplicationEngine.Engine.Observations;

/// <summary>How a source captures the guest's writes. The first two values are stored.</summary>
public enum CaptureMode : byte
{
    /// <summary>Every write is recorded in the replication log.</summary>
    Logging = 0,

    /// <summary>
    /// The log accepts no more writes. Writes only mark extents dirty, which are compared later (I27).
    /// </summary>
    DirtyMap = 1,

    /// <summary>Nothing is captured, because the source side is not the primary.</summary>
    None = 2,

    /// <summary>Nothing is captured, because the disks are not open.</summary>
    Closed = 3,
}

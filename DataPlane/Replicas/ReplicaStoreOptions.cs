namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// The limits of a replica store's files, layers and steps. The defaults suit disks from megabytes to terabytes.
/// </summary>
public sealed record ReplicaStoreOptions
{
    /// <summary>The segment size in bytes at which the next record starts a new segment.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>
    /// The number of extents (24 to 48 bytes each) at which a layer in memory is closed and written to a file.
    /// </summary>
    public int LayerExtents { get; init; } = 1 << 20;

    /// <summary>The bytes of records at which a layer is closed; an opening scans at most so many bytes.</summary>
    public long LayerBytes { get; init; } = 256L << 20;

    /// <summary>The bytes of chunks that one step of a fold writes.</summary>
    public int FoldStepBytes { get; init; } = 8 << 20;

    /// <summary>The growth in bytes at which the manifest is shortened.</summary>
    public long ManifestBytes { get; init; } = 4L << 20;

    /// <summary>The number of layers at which an overlay merges its layers and cleans its segments.</summary>
    public int OverlayLayers { get; init; } = 8;

    /// <summary>The clock that measures the budget of maintenance.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

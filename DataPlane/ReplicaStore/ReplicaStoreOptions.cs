namespace ReplicationEngine.DataPlane.ReplicaStore;

/// <summary>How a replica store divides its work. The defaults suit disks from megabytes to terabytes.</summary>
public sealed record ReplicaStoreOptions
{
    /// <summary>A segment that has reached this size gets no more records.</summary>
    public long SegmentBytes { get; init; } = 64L << 20;

    /// <summary>A layer in memory with this many extents (24 to 48 bytes each) is closed and written to a
    /// file.</summary>
    public int LayerExtents { get; init; } = 1 << 20;

    /// <summary>A layer made from this many bytes of records is closed: so many bytes at most are scanned when
    /// opening.</summary>
    public long LayerBytes { get; init; } = 256L << 20;

    /// <summary>The bytes of chunks that one step of a fold writes.</summary>
    public int FoldStepBytes { get; init; } = 8 << 20;

    /// <summary>The manifest is shortened when it has grown by this much.</summary>
    public long ManifestBytes { get; init; } = 4L << 20;

    /// <summary>Overlays merge their layers and clean their segments when they have this many layers.</summary>
    public int OverlayLayers { get; init; } = 8;

    /// <summary>Measures the budget of maintenance.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>The options of a sending session.</summary>
public sealed record SendOptions
{
    /// <summary>
    /// The maximum bytes of log records in flight, from reading them until the receiver has applied them.
    /// </summary>
    public int LogWindowBytes { get; init; } = 16 << 20;

    /// <summary>The maximum bytes of resync chunks in flight.</summary>
    public int ResyncWindowBytes { get; init; } = 32 << 20;

    /// <summary>The maximum log bytes in one frame (a larger record is sent alone).</summary>
    public int BatchBytes { get; init; } = 1 << 20;

    /// <summary>Whether to compress payloads that a sample shows to shrink.</summary>
    public bool Compress { get; init; } = true;

    /// <summary>The number of tasks that read, hash, compress and seal; 0 means one for each processor.</summary>
    public int Workers { get; init; }

    /// <summary>The bandwidth limit in bytes per second on the wire; null means none.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>The time without own frames after which this end sends a keep-alive frame.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The time after which a silent peer is treated as dead.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

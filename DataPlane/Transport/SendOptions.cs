namespace ReplicationEngine.DataPlane.Transport;

/// <summary>How a sending session behaves.</summary>
public sealed record SendOptions
{
    /// <summary>Bytes of log records that may be on the way, from their reading to the receiver's applying
    /// them.</summary>
    public int LogWindowBytes { get; init; } = 16 << 20;

    /// <summary>Bytes of resync chunks that may be on the way.</summary>
    public int ResyncWindowBytes { get; init; } = 32 << 20;

    /// <summary>The most log bytes in one frame (a larger record goes alone).</summary>
    public int BatchBytes { get; init; } = 1 << 20;

    /// <summary>Compress payloads that a probe shows to shrink.</summary>
    public bool Compress { get; init; } = true;

    /// <summary>Tasks that read, hash, compress and seal; 0 means one for each processor.</summary>
    public int Workers { get; init; }

    /// <summary>A limit in bytes per second on the wire; null means none.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>When this end sent nothing for so long it shows that it lives.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A peer that was silent for so long is taken for dead.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(20);
}

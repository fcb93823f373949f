using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>How a receiving session behaves.</summary>
public sealed record ReceiveOptions
{
    /// <summary>Bytes of frames that may be held: received, being opened, or waiting to be applied.</summary>
    public int BufferBytes { get; init; } = 32 << 20;

    /// <summary>A sync follows at the latest after so many applied bytes.</summary>
    public long SyncBytes { get; init; } = 64 << 20;

    /// <summary>A sync follows at the latest so long after the first change that is not durable.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Tasks that open and inflate frames; 0 means one for each processor.</summary>
    public int Workers { get; init; }

    /// <summary>When this end sent nothing for so long it shows that it lives.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A peer that was silent for so long while this end listened is taken for dead.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>Called after each sync with where the replica stands; must not block.</summary>
    public Action<ReplicaPosition>? PositionMoved { get; init; }
}

using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>The options of a receiving session.</summary>
public sealed record ReceiveOptions
{
    /// <summary>The maximum bytes of frames held: received, being opened, or waiting to be applied.</summary>
    public int BufferBytes { get; init; } = 32 << 20;

    /// <summary>The number of applied bytes after which a sync follows at the latest.</summary>
    public long SyncBytes { get; init; } = 64 << 20;

    /// <summary>The time after the first change that is not durable within which a sync follows.</summary>
    public TimeSpan SyncInterval { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>The number of tasks that open and inflate frames; 0 means one for each processor.</summary>
    public int Workers { get; init; }

    /// <summary>The time without own frames after which this end sends a keep-alive frame.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The time after which a silent peer is treated as dead, while this end was reading.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>A callback that receives the replica's position after each sync; must not block.</summary>
    public Action<ReplicaPosition>? PositionMoved { get; init; }
}

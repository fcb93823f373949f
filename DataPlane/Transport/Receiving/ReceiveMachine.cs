using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Receiving;

/// <summary>
/// The receiving end's decisions without any I/O: when to sync, what to acknowledge. Not safe to use from several
/// threads.
/// </summary>
/// <remarks>
/// A frame counts as durable after a sync that started after its application, or if it changed nothing and everything
/// before it is durable. The session starts undurable: changes of an earlier session may not be synced yet, and a probe
/// compares with exactly those.
/// </remarks>
internal sealed class ReceiveMachine(ReceiveOptions options, ulong firstSequence)
{
    private const long AckBytes = 2 << 20;
    private bool _unsynced = true;
    private bool _urgent;
    private TimeSpan? _oldest;
    private long _unsyncedBytes;
    private long _unackedBytes;
    private bool _news;

    /// <summary>The last frame applied.</summary>
    public ulong Applied { get; private set; } = firstSequence - 1;

    /// <summary>The last frame that is durable.</summary>
    public ulong Durable { get; private set; } = firstSequence - 1;

    /// <summary>Whether the sender has closed the session.</summary>
    public bool Closed { get; private set; }

    /// <summary>Records that a frame was applied.</summary>
    public void Apply(FrameType type, ulong sequence, long bytes, TimeSpan now)
    {
        Applied = sequence;
        _news = true;
        _unackedBytes += bytes;
        switch (type)
        {
            case FrameType.Records or FrameType.Blocks:
                Changed(bytes, now);
                break;
            case FrameType.EndResync:
                Changed(bytes, now);
                _urgent = true;
                break;
            case FrameType.SyncRequest:
                _urgent = true;
                break;
            case FrameType.Close:
                (_urgent, Closed) = (true, true);
                break;
            default:
                break;
        }

        if (!_unsynced)
        {
            Durable = sequence;
        }
    }

    /// <summary>Returns whether to sync now.</summary>
    public bool SyncDue(TimeSpan now) => _unsynced
        && (_urgent || _unsyncedBytes >= options.SyncBytes
            || (_oldest is { } oldest && now - oldest >= options.SyncInterval));

    /// <summary>
    /// Returns how long from now <see cref="SyncDue"/> becomes true without further frames, at least zero; null if it
    /// does not.
    /// </summary>
    public TimeSpan? SyncIn(TimeSpan now) => _oldest is not { } oldest ? null
        : oldest + options.SyncInterval is var due && due > now ? due - now : TimeSpan.Zero;

    /// <summary>Returns whether to acknowledge now; <paramref name="idle"/> if no frame is waiting.</summary>
    public bool AckDue(bool idle) => _news && (idle || _urgent || _unackedBytes >= AckBytes);

    /// <summary>Records the end of a sync that started after the last applied frame.</summary>
    public void Synced()
    {
        (_unsynced, _oldest, _unsyncedBytes, Durable, _news) = (false, null, 0, Applied, true);
    }

    /// <summary>Records that the acknowledgement was sent.</summary>
    public void Acked() => (_news, _urgent, _unackedBytes) = (false, false, 0);

    private void Changed(long bytes, TimeSpan now)
    {
        _unsynced = true;
        _oldest ??= now;
        _unsyncedBytes += bytes;
    }
}

using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Receiving;

/// <summary>
/// The receiving end's decisions without any I/O: when to sync, what to acknowledge. Not safe to use from several
/// threads.
/// </summary>
/// <remarks>
/// A frame counts as durable when a sync that began after its application ended, or when it changed nothing and
/// nothing before it is undurable. The session begins undurable: what an earlier session applied may not be synced yet,
/// and a probe compares with just that.
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

    /// <summary>The sender said that nothing more comes.</summary>
    public bool Closed { get; private set; }

    /// <summary>A frame was applied.</summary>
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

    /// <summary>Whether to sync now.</summary>
    public bool SyncDue(TimeSpan now) => _unsynced
        && (_urgent || _unsyncedBytes >= options.SyncBytes
            || (_oldest is { } oldest && now - oldest >= options.SyncInterval));

    /// <summary>When <see cref="SyncDue"/> will be true by the passing of time; null when it will not.</summary>
    public TimeSpan? SyncAt => _oldest is { } oldest ? oldest + options.SyncInterval : null;

    /// <summary>Whether to acknowledge now; <paramref name="idle"/> when no frame is waiting.</summary>
    public bool AckDue(bool idle) => _news && (idle || _urgent || _unackedBytes >= AckBytes);

    /// <summary>A sync that began after the last applied frame ended.</summary>
    public void Synced()
    {
        (_unsynced, _oldest, _unsyncedBytes, Durable, _news) = (false, null, 0, Applied, true);
    }

    /// <summary>The acknowledgement is on its way.</summary>
    public void Acked() => (_news, _urgent, _unackedBytes) = (false, false, 0);

    private void Changed(long bytes, TimeSpan now)
    {
        _unsynced = true;
        _oldest ??= now;
        _unsyncedBytes += bytes;
    }
}

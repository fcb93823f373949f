namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>
/// A token bucket: a tenth of a second's bytes may be sent at once, then the rate applies. Used by one writer.
/// </summary>
internal sealed class BandwidthLimit(long bytesPerSecond, TimeProvider time)
{
    private readonly double _depth = bytesPerSecond / 10.0;
    private double _tokens = bytesPerSecond / 10.0;
    private long _last = time.GetTimestamp();

    /// <summary>Takes so many bytes from the bucket and returns the time to wait before sending them.</summary>
    public TimeSpan Take(int bytes)
    {
        var now = time.GetTimestamp();
        _tokens = Math.Min(_depth, _tokens + (time.GetElapsedTime(_last, now).TotalSeconds * bytesPerSecond));
        _last = now;
        _tokens -= bytes;
        return _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / bytesPerSecond);
    }
}

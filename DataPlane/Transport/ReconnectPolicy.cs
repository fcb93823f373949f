namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// The delays between connection attempts: 0.25, 0.5, 1, 2, 4, then 5 seconds, of which the upper half is drawn at
/// random, so that agents do not reconnect all at once. A session that lasted resets the delays: after an outage
/// replication must resume quickly, because every second is loss that a disaster would make final. Not safe to use from
/// several threads. The schedule of minutes (ERR-1) belongs to the control plane.
/// </summary>
public sealed class ReconnectPolicy(TimeProvider time, Random random)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(1);
    private TimeSpan _next = Shortest;
    private long? _connected;

    /// <summary>Records that a session started.</summary>
    public void Connected() => _connected = time.GetTimestamp();

    /// <summary>Returns the next delay; each one without a lasting session in between is twice as long.</summary>
    public TimeSpan NextDelay()
    {
        if (_connected is { } since && time.GetElapsedTime(since) >= Lasting)
        {
            _next = Shortest;
        }

        _connected = null;
        var delay = (_next / 2) + (_next / 2 * random.NextDouble());
        _next = _next * 2 > Longest ? Longest : _next * 2;
        return delay;
    }

    /// <summary>
    /// Waits for the next delay, or until <paramref name="sooner"/> completes because the other side is reachable
    /// again; that also resets the delays.
    /// </summary>
    public async Task WaitAsync(Task sooner, CancellationToken cancellationToken)
    {
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await Task.WhenAny(sooner, Task.Delay(NextDelay(), time, waiting.Token));
        await waiting.CancelAsync();
        cancellationToken.ThrowIfCancellationRequested();
        if (sooner.IsCompleted)
        {
            _next = Shortest;
        }
    }

    /// <summary>Waits for the next delay.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => Task.Delay(NextDelay(), time, cancellationToken);

    /// <summary>Returns whether connecting again can help without an operator (ERR-1, ERR-2).</summary>
    public static bool IsRetried(Exception error) => error switch
    {
        SessionRefusedException refused => refused.Reason is SessionRefusal.Unavailable or SessionRefusal.BadFrame
            or SessionRefusal.Gap or SessionRefusal.Corrupt,
        _ => true,
    };
}

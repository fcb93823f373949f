namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// How long to wait before calling again: 0.25, 0.5, 1, 2, 4, then 5 seconds, of which the upper half is drawn at
/// random, so that agents do not come back all at once. A session that lasted makes it begin again: what counts after
/// an outage is how soon replication goes on, since every second of it is loss that a disaster would make final. Not
/// safe to use from several threads. The schedule of minutes (ERR-1) belongs to the control plane.
/// </summary>
public sealed class ReconnectPolicy(TimeProvider time, Random random)
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Lasting = TimeSpan.FromSeconds(1);
    private TimeSpan _next = Shortest;
    private long? _connected;

    /// <summary>Notes that a session began.</summary>
    public void Connected() => _connected = time.GetTimestamp();

    /// <summary>The next wait; each one without a lasting session in between is twice as long.</summary>
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
    /// Waits the next delay; no longer than until <paramref name="sooner"/> completes, which says that the other side
    /// answers again, and starts the delays again.
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

    /// <summary>Waits the next delay.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => Task.Delay(NextDelay(), time, cancellationToken);

    /// <summary>Whether connecting again can help without a person (ERR-1, ERR-2).</summary>
    public static bool IsRetried(Exception error) => error switch
    {
        SessionRefusedException refused => refused.Reason is SessionRefusal.Unavailable or SessionRefusal.BadFrame
            or SessionRefusal.Gap or SessionRefusal.Corrupt,
        _ => true,
    };
}

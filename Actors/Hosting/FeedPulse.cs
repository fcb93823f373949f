namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Wakes the followers of the feed. A follower takes <see cref="Next"/> <b>before</b> it reads: an append that its
/// reading missed completes that task.
/// </summary>
internal sealed class FeedPulse
{
    private TaskCompletionSource? _next;

    /// <summary>Called when this node has stored events, for followers on another node; null without any.</summary>
    public Action? Stored { get; set; }

    public Task Next()
    {
        while (true)
        {
            if (Volatile.Read(ref _next) is { } waiting)
            {
                return waiting.Task;
            }

            var created = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Interlocked.CompareExchange(ref _next, created, null) is null)
            {
                return created.Task;
            }
        }
    }

    /// <summary>Wakes the followers on this node.</summary>
    public void Signal()
    {
        // The fence orders the caller's append before the check for waiters, as Next's exchange does on their side.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _next) is not null)
        {
            Interlocked.Exchange(ref _next, null)?.TrySetResult();
        }
    }
    /// <summary>Wakes all followers, on this node and elsewhere, because this node has stored events.</summary>
    public void Grew()
    {
        Signal();
        Stored?.Invoke();
    }
}

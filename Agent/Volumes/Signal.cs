namespace ReplicationEngine.Agent.Volumes;

/// <summary>Something that happens again and again and that others wait for.</summary>
internal sealed class Signal
{
    private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when it happens the next time.</summary>
    public Task Next => _next.Task;

    /// <summary>It happens now.</summary>
    public void Pulse() => Interlocked.Exchange(
        ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}

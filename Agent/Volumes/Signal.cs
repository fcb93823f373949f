namespace ReplicationEngine.Agent.Volumes;

/// <summary>A recurring event that tasks can wait for.</summary>
internal sealed class Signal
{
    private volatile TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>A task that completes at the next pulse.</summary>
    public Task Next => _next.Task;

    /// <summary>Completes the tasks that wait for the next pulse.</summary>
    public void Pulse() => Interlocked.Exchange(
        ref _next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
}

namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// The synchronization context that returns awaited work to the queue, so that it runs on one thread and in one order.
/// An exception of a continuation leaves through the queue's step.
/// </summary>
/// <param name="queue">The queue that runs the continuations.</param>
public sealed class QueueContext(EventQueue queue) : SynchronizationContext
{
    /// <summary>Runs work in this context.</summary>
    /// <typeparam name="T">The type of the work's result.</typeparam>
    /// <param name="work">The work to run.</param>
    /// <returns>The work's result.</returns>
    public T Within<T>(Func<T> work)
    {
        ArgumentNullException.ThrowIfNull(work);
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            return work();
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state) => queue.After(TimeSpan.Zero, () => d(state));

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;
}

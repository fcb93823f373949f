namespace ReplicationEngine.Simulation.Kernel;

/// <summary>
/// Brings what is awaited back to the queue: one thread, one order. An exception of a continuation leaves through the
/// queue's step.
/// </summary>
/// <param name="queue">What makes time pass.</param>
public sealed class QueueContext(EventQueue queue) : SynchronizationContext
{
    /// <summary>Does work in this context.</summary>
    /// <typeparam name="T">What comes of it.</typeparam>
    /// <param name="work">The work.</param>
    /// <returns>What came of it.</returns>
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

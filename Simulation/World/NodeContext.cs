namespace ReplicationEngine.Simulation.World;

/// <summary>
/// Brings what a process awaits back to the queue, as its own: one thread, one order. What a dead life awaited goes on
/// no more, and a stopped process goes on when it does.
/// </summary>
internal sealed class NodeContext(SimWorld world, Node node, int life) : SynchronizationContext
{
    /// <inheritdoc/>
    public override void Post(SendOrPostCallback d, object? state) =>
        world.Queue.After(TimeSpan.Zero, () => node.Enter(life, () => Send(d, state)));

    /// <inheritdoc/>
    public override void Send(SendOrPostCallback d, object? state)
    {
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            d(state);
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    /// <inheritdoc/>
    public override SynchronizationContext CreateCopy() => this;
}

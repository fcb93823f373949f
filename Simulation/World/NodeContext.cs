namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The synchronization context of one life of a process. It returns awaited work to the queue as a step of that
/// process, so that it runs on one thread and in one order. The work of a dead life never continues. The work of a
/// stopped process continues when the process does.
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

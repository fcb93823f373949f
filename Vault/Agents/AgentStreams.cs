namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// Counts the agents' streams, so that they cannot use up the service's file descriptors (F20). Safe to use from
/// several tasks.
/// </summary>
internal sealed class AgentStreams
{
    /// <summary>The most streams that may be open at the same time.</summary>
    public const int Most = 2048;

    private int _open;

    /// <summary>
    /// Reserves a place for one more stream; null when there is none. Dispose it when the stream has ended.
    /// </summary>
    public IDisposable? TryEnter()
    {
        if (Interlocked.Increment(ref _open) <= Most)
        {
            return new Place(this);
        }

        Interlocked.Decrement(ref _open);
        return null;
    }

    private sealed class Place(AgentStreams streams) : IDisposable
    {
        private AgentStreams? _streams = streams;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _streams, null) is { } left)
            {
                Interlocked.Decrement(ref left._open);
            }
        }
    }
}

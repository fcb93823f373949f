namespace ReplicationEngine.Vault.Agents;

/// <summary>Counts the streams of agents, so that no number of them takes the service's last descriptor (F20). Safe to
/// use from several tasks.</summary>
internal sealed class AgentStreams
{
    /// <summary>As many may be open at once.</summary>
    public const int Most = 2048;

    private int _open;

    /// <summary>A place for one more; null when there is none. Dispose it when the stream has ended.</summary>
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

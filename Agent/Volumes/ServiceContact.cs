namespace ReplicationEngine.Agent.Volumes;

/// <summary>What an agent's data sessions know of its control session. Safe for several threads.</summary>
internal sealed class ServiceContact
{
    private readonly Signal _answered = new();
    private volatile string? _session;

    /// <summary>The secret that data streams show; null while the service has not taken this agent.</summary>
    public string? Session => _session;

    /// <summary>Completes when the service takes this agent the next time.</summary>
    public Task Next => _answered.Next;

    /// <summary>The service has taken this agent.</summary>
    public void Welcomed(string session)
    {
        _session = session;
        _answered.Pulse();
    }

    /// <summary>The control session is over.</summary>
    public void Lost() => _session = null;
}

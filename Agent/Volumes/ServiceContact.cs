namespace ReplicationEngine.Agent.Volumes;

/// <summary>The state of the agent's control session, as its data sessions need it. Safe for several threads.</summary>
internal sealed class ServiceContact
{
    private readonly Signal _answered = new();
    private volatile string? _session;

    /// <summary>The secret that data streams present; null while the service has not accepted this agent.</summary>
    public string? Session => _session;

    /// <summary>A task that completes the next time the service accepts this agent.</summary>
    public Task Next => _answered.Next;

    /// <summary>Records that the service has accepted this agent.</summary>
    public void Welcomed(string session)
    {
        _session = session;
        _answered.Pulse();
    }

    /// <summary>Records that the control session has ended.</summary>
    public void Lost() => _session = null;
}

using ReplicationEngine.Agent.Control;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>The agents, as a service reaches them.</summary>
internal interface IAgents
{
    /// <summary>What is known of them.</summary>
    AgentSightings Sightings { get; }

    /// <summary>Asks a connected agent and waits for the answer; one that goes away meanwhile answers with a
    /// recoverable failure.</summary>
    Task<AgentReply> AskAsync(string agent, AgentRequest request, CancellationToken ct);

    /// <summary>Takes what an agent answered as its newest report of that volume.</summary>
    void Note(string agent, VolumeStatus status);
}

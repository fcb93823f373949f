using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>The agents as a service reaches them.</summary>
public interface IAgents
{
    /// <summary>The observations of the agents.</summary>
    AgentObservations Observations { get; }

    /// <summary>The measurements of the agents' clocks.</summary>
    AgentClocks Clocks { get; }

    /// <summary>
    /// Sends a request to a connected agent and waits for the reply. When the agent disconnects meanwhile, the reply is
    /// a recoverable failure.
    /// </summary>
    Task<AgentReply> AskAsync(string agent, AgentRequest request, CancellationToken ct);

    /// <summary>Records an agent's reply as its newest report of a volume.</summary>
    void Note(string agent, VolumeStatus status);
}

/// <summary>Measures agents' clocks.</summary>
public static class ClockProbes
{
    /// <summary>
    /// Asks a connected agent for its time once. When the agent does not reply, the next call asks again.
    /// </summary>
    public static async Task ProbeAsync(this IAgents agents, string agent, CancellationToken ct)
    {
        var probe = agents.Clocks.Ask(agent);
        if (await agents.AskAsync(agent, probe, ct) is AgentReply.ClockRead read)
        {
            agents.Clocks.Answered(agent, probe, read);
        }
    }
}

using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>The agents, as a service reaches them.</summary>
public interface IAgents
{
    /// <summary>What is known of them.</summary>
    AgentObservations Observations { get; }

    /// <summary>Their clocks.</summary>
    AgentClocks Clocks { get; }

    /// <summary>Asks a connected agent and waits for the answer; one that goes away meanwhile answers with a
    /// recoverable failure.</summary>
    Task<AgentReply> AskAsync(string agent, AgentRequest request, CancellationToken ct);

    /// <summary>Takes what an agent answered as its newest report of that volume.</summary>
    void Note(string agent, VolumeStatus status);
}

/// <summary>Reads agents' clocks.</summary>
public static class ClockProbes
{
    /// <summary>Asks a connected agent for its time once; an agent that does not answer is asked again by the next
    /// call.</summary>
    public static async Task ProbeAsync(this IAgents agents, string agent, CancellationToken ct)
    {
        var probe = agents.Clocks.Ask(agent);
        if (await agents.AskAsync(agent, probe, ct) is AgentReply.ClockRead read)
        {
            agents.Clocks.Answered(agent, probe, read);
        }
    }
}

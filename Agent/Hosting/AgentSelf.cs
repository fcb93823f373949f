using System.Security.Cryptography;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>The description that an agent's process gives of itself, and the key that proves it.</summary>
/// <param name="Identity">The agent's key pair.</param>
/// <param name="Process">The running process.</param>
internal sealed record AgentSelf(AgentIdentity Identity, AgentProcessInfo Process)
{
    private const int IncarnationBytes = 16;

    /// <summary>Describes the current process, with a random incarnation that is never stored.</summary>
    public static AgentSelf OfThisProcess(AgentIdentity identity, string bootId) => new(
        identity,
        new AgentProcessInfo(
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IncarnationBytes)), bootId,
            Environment.MachineName, Environment.ProcessId));

    /// <summary>Creates the agent's reply to a challenge.</summary>
    public ControlMessage.Hello Hello(ControlMessage.Challenge challenge, string agent) => new(
        ControlLimits.Version, agent, Process, Identity.PublicKey,
        Identity.Sign(ControlProof.Text(challenge, agent, Process)));
}

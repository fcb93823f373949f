using System.Security.Cryptography;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Agent.Hosting;

/// <summary>What an agent's process says of itself, and the key that proves it.</summary>
/// <param name="Identity">The key pair.</param>
/// <param name="Process">The process.</param>
internal sealed record AgentSelf(AgentIdentity Identity, AgentProcessInfo Process)
{
    private const int IncarnationBytes = 16;

    /// <summary>This process, with an incarnation that nothing stores.</summary>
    public static AgentSelf OfThisProcess(AgentIdentity identity, string bootId) => new(
        identity,
        new AgentProcessInfo(
            Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IncarnationBytes)), bootId,
            Environment.MachineName, Environment.ProcessId));

    /// <summary>The answer to a challenge.</summary>
    public ControlMessage.Hello Hello(ControlMessage.Challenge challenge, string agent) => new(
        ControlLimits.Version, agent, Process, Identity.PublicKey,
        Identity.Sign(ControlProof.Text(challenge, agent, Process)));
}

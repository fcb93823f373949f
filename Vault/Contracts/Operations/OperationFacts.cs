namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>Facts that only the service knows when an operation is requested.</summary>
/// <param name="Agents">The connected agents.</param>
/// <param name="TargetWrittenBytes">Bytes written to the recovered disks since the failover.</param>
/// <param name="AgentHasHooks">Whether the VM's agent has hooks for application-consistent points; null when the agent
/// has not reported it.</param>
public sealed record OperationFacts(
    IReadOnlyList<string> Agents, long TargetWrittenBytes, bool? AgentHasHooks = null)
{
    /// <summary>
    /// The clients that have the source's disks open for writing; empty when the agent can stop the machine itself.
    /// </summary>
    public IReadOnlyList<string> Writers { get; init; } = [];
}

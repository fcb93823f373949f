namespace ReplicationEngine.Vault.Contracts.Operations;

/// <summary>What only the service knows when an operation is asked for.</summary>
/// <param name="Agents">The connected agents.</param>
/// <param name="TargetWrittenBytes">Bytes written to the recovered disks since the failover.</param>
/// <param name="AgentHasHooks">Whether the VM's agent has hooks for application-consistent points; null when it did not
/// say.</param>
public sealed record OperationFacts(
    IReadOnlyList<string> Agents, long TargetWrittenBytes, bool? AgentHasHooks = null)
{
    /// <summary>Who has the source's disks open for writing; none when the agent can stop the machine itself.</summary>
    public IReadOnlyList<string> Writers { get; init; } = [];
}

namespace ReplicationEngine.Vault.Replicas;

/// <summary>The service must not start on what lies in its data directory; the message says why and what to do.</summary>
internal sealed class VaultRefusedException(string message) : Exception(message);

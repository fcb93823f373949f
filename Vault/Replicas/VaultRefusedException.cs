namespace ReplicationEngine.Vault.Replicas;

/// <summary>What lies in a data directory must not be used as asked; the message says why and what to do.</summary>
public sealed class VaultRefusedException(string message, Exception? inner = null) : Exception(message, inner);

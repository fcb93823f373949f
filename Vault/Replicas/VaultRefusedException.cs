namespace ReplicationEngine.Vault.Replicas;

/// <summary>A data directory must not be used as requested; the message gives the reason and the remedy.</summary>
public sealed class VaultRefusedException(string message, Exception? inner = null) : Exception(message, inner);

namespace ReplicationEngine.Vault.Contracts;

/// <summary>A request that cannot be understood: 400, with one clear sentence.</summary>
public sealed class BadRequestException(string message) : Exception(message);

namespace ReplicationEngine.Vault.Contracts;

/// <summary>The request is malformed. The API returns 400 with the message, which is one sentence.</summary>
public sealed class BadRequestException(string message) : Exception(message);

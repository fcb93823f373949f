using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// Everything a decision may know besides state and command: the only way in for time, identity and actor.
/// </summary>
/// <param name="Now">The instant of the decision (UTC).</param>
/// <param name="CommandId">
/// The command's id; ids that a decision needs are derived from it (<see cref="NewGuid"/>).
/// </param>
/// <param name="Actor">
/// Who asked: a user, an agent, or <c>engine</c> for timers and effects' outcomes (OPS-1, S23).
/// </param>
public sealed record DecisionContext(DateTimeOffset Now, CommandId CommandId, string Actor)
{
    /// <summary>The same instant by the host's steady clock; null where the host has none.</summary>
    public SteadyInstant? Steady { get; init; }

    /// <summary>
    /// What tells the request behind the command from any other: a digest of the operation and its arguments. Null
    /// where
    /// the sender makes its ids of what it sends, so that no id can come with another command.
    /// </summary>
    public string? Digest { get; init; }

    /// <summary>
    /// A GUID derived from the command id and the ordinal: the same for the same command on every replay.
    /// </summary>
    public Guid NewGuid(int ordinal)
    {
        Span<byte> input = stackalloc byte[20];
        CommandId.Value.TryWriteBytes(input);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(input[16..], ordinal);
        Span<byte> hash = stackalloc byte[32];
        System.Security.Cryptography.SHA256.HashData(input, hash);
        return new Guid(hash[..16]);
    }
}

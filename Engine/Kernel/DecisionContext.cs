using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// The input of a decision besides state and command. Time, identity and actor reach a decision only through this
/// context.
/// </summary>
/// <param name="Now">The instant of the decision (UTC).</param>
/// <param name="CommandId">The command's id. Ids that a decision needs are derived from it
/// (<see cref="NewGuid"/>).</param>
/// <param name="Actor">Who sent the command: a user, an agent, or <c>engine</c> for timers and outcomes of effects
/// (OPS-1, S23).</param>
public sealed record DecisionContext(DateTimeOffset Now, CommandId CommandId, string Actor)
{
    /// <summary>The instant of the decision by the host's steady clock; null when the host has none.</summary>
    public SteadyInstant? Steady { get; init; }

    /// <summary>
    /// A digest of the operation and its arguments, which distinguishes this request from any other. Null when the
    /// sender derives its ids from the content, so that no id can arrive with another command.
    /// </summary>
    public string? Digest { get; init; }

    /// <summary>
    /// Returns a GUID derived from the command id and the ordinal. A replay of the same command returns the same GUID.
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

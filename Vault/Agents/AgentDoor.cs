using System.Security.Cryptography;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// Authenticates agents. Until the proof is verified only the challenge or a refusal is sent, so a stranger learns no
/// key, directive or name of a VM (F19). The proof must arrive within ten seconds, and the number of unproven
/// connections is limited (S3).
/// </summary>
internal sealed class AgentDoor(TimeProvider time, AgentBindings bindings)
{
    /// <summary>The most connections that may be unproven at the same time.</summary>
    public const int MostUnproven = 64;

    private const int LongestName = 64;
    private const int LongestText = 256;
    private readonly UnprovenConnections _unproven = new(MostUnproven, ControlLimits.HandshakeWithin, time);

    /// <summary>The number of connections that have not authenticated yet.</summary>
    public int Unproven => _unproven.Count;

    /// <summary>Sends the challenge to a connection and verifies the proof.</summary>
    /// <returns>The verified claim; null when the agent was refused and notified of the reason, or did not prove its
    /// identity in time.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="InvalidDataException">The peer does not follow the protocol.</exception>
    public async Task<AgentClaim?> GreetAsync(
        ControlChannel channel, string address, CancellationToken cancellationToken)
    {
        using var place = _unproven.Enter(cancellationToken);
        try
        {
            var challenge = new ControlMessage.Challenge(
                ControlLimits.Version, bindings.Vault,
                Convert.ToBase64String(RandomNumberGenerator.GetBytes(ControlProof.NonceBytes)));
            await channel.SendAsync(challenge, place.Over);
            var hello = await channel.ReadAsync(place.Over) switch
            {
                null => null,
                ControlMessage.Hello said => said,
                _ => throw new InvalidDataException("An agent's first message must be its hello."),
            };
            if (hello is null)
            {
                return null;
            }

            if (Refusal(challenge, hello) is { } refused)
            {
                await channel.SendAsync(refused, place.Over);
                return null;
            }

            return new AgentClaim(hello.Agent, hello.PublicKey, hello.Process, address);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
    }

    private static ControlMessage.Refused? Refusal(ControlMessage.Challenge challenge, ControlMessage.Hello hello)
    {
        if (hello.Version != ControlLimits.Version)
        {
            return new("version", $"This service uses control protocol {ControlLimits.Version}, the agent uses "
                + $"{hello.Version}; update the older one.");
        }

        if (hello.Agent.Length is 0 or > LongestName || hello.Agent.Any(char.IsControl))
        {
            return new("name",
                $"An agent's name must have 1 to {LongestName} printable characters; '{hello.Agent}' does not.");
        }

        var process = hello.Process;
        return new[] { process.Incarnation, process.BootId, process.Host }.Any(t => t.Length > LongestText)
            || !ControlProof.Holds(challenge, hello)
            ? new("proof", "The agent did not prove that it owns the key it presented.") : null;
    }
}

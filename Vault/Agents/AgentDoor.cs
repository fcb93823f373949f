using System.Security.Cryptography;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Orchestration.Sources;

namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// Lets agents prove who they are. Until the proof is verified nothing is sent but the challenge or a refusal, so a
/// stranger learns no key, directive or name of a VM (F19); it has ten seconds, and only so many may be at it (S3).
/// </summary>
internal sealed class AgentDoor(TimeProvider time, AgentBindings bindings)
{
    /// <summary>As many connections may be without proof at once.</summary>
    public const int MostUnproven = 64;

    private const int LongestName = 64;
    private const int LongestText = 256;
    private readonly UnprovenConnections _unproven = new(MostUnproven, ControlLimits.HandshakeWithin, time);

    /// <summary>How many connections have not proved themselves.</summary>
    public int Unproven => _unproven.Count;

    /// <summary>Greets a connection.</summary>
    /// <returns>Who it is; null when it was refused, and told why, or did not prove itself in time.</returns>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="InvalidDataException">It does not speak the protocol.</exception>
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

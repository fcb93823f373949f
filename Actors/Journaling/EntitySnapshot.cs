using System.Security.Cryptography;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// The state of an entity after an event, encoded. A snapshot only saves time: the stream is the truth.
/// </summary>
/// <param name="Version">The codec's snapshot version.</param>
/// <param name="Head">The event after which it was taken; reading goes on from there.</param>
/// <param name="DecidedAt">When that event was decided (UTC).</param>
/// <param name="Payload">The encoded state.</param>
/// <param name="Commands">The commands accepted last, oldest first.</param>
/// <param name="CoversStream">Whether <paramref name="Commands"/> are all that the stream holds.</param>
/// <param name="Checksum">SHA-256 of the payload.</param>
public sealed record EntitySnapshot(
    int Version, StreamHead Head, DateTimeOffset DecidedAt, byte[] Payload, ValueList<CommandRecord> Commands,
    bool CoversStream, ChainHash Checksum)
{
    /// <summary>Whether the payload is what was stored.</summary>
    public bool IsIntact => new ChainHash(SHA256.HashData(Payload)) == Checksum;

    /// <summary>Makes a snapshot with its checksum.</summary>
    public static EntitySnapshot Create(
        int version, StreamHead head, DateTimeOffset decidedAt, byte[] payload, ValueList<CommandRecord> commands,
        bool coversStream) =>
        new(version, head, decidedAt, payload, commands, coversStream, new ChainHash(SHA256.HashData(payload)));
}

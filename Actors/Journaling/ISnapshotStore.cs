using System.Security.Cryptography;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>Keeps the newest snapshot of each entity. A snapshot only saves time: the stream is the truth.</summary>
public interface ISnapshotStore
{
    /// <summary>The newest snapshot, or null.</summary>
    ValueTask<StoredSnapshot?> LoadAsync(PersistenceId id, CancellationToken cancellationToken);

    /// <summary>Replaces the snapshot of the entity unless the stored one is newer.</summary>
    /// <exception cref="JournalUnavailableException">It could not be stored.</exception>
    ValueTask SaveAsync(StoredSnapshot snapshot, CancellationToken cancellationToken);
}

/// <summary>The state of an entity after an event, encoded.</summary>
/// <param name="Id">The entity.</param>
/// <param name="Version">The codec's snapshot version.</param>
/// <param name="Head">The event after which it was taken; reading goes on from there.</param>
/// <param name="Payload">The encoded state.</param>
/// <param name="Checksum">SHA-256 of the payload.</param>
public sealed record StoredSnapshot(
    PersistenceId Id, int Version, StreamHead Head, byte[] Payload, ChainHash Checksum)
{
    /// <summary>Whether the payload is what was stored.</summary>
    public bool IsIntact => new ChainHash(SHA256.HashData(Payload)) == Checksum;

    /// <summary>Makes a snapshot with its checksum.</summary>
    public static StoredSnapshot Create(PersistenceId id, int version, StreamHead head, byte[] payload) =>
        new(id, version, head, payload, new ChainHash(SHA256.HashData(payload)));
}

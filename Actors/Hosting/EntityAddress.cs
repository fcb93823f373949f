using Akka.Cluster.Sharding;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Names an entity within its region (<c>vault|entity</c>), and says which shard it lies in.</summary>
internal static class EntityAddress
{
    private const char Separator = '|';

    /// <summary>The name.</summary>
    public static string Of(PersistenceId id) => $"{id.Vault}{Separator}{id.Entity}";

    /// <summary>The entity of a name.</summary>
    public static PersistenceId Read(string type, string address)
    {
        var end = address.IndexOf(Separator, StringComparison.Ordinal);
        return new PersistenceId(type, new VaultId(address[..end]), address[(end + 1)..]);
    }

    /// <summary>Spreads the entities over a number of shards by a hash of their names that never changes.</summary>
    public static IMessageExtractor Extractor(int shards) => HashCodeMessageExtractor.Create(
        shards,
        message => (message as ToEntity)?.Entity,
        message => message is ToEntity letter ? letter.Message : message);
}

/// <summary>A message on its way to an entity.</summary>
/// <param name="Entity">The entity's name within its region.</param>
/// <param name="Message">What it gets.</param>
internal sealed record ToEntity(string Entity, object Message);

using Akka.Cluster.Sharding;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The name of an entity within its region (<c>vault|entity</c>) and its assignment to a shard.</summary>
internal static class EntityAddress
{
    private const char Separator = '|';

    /// <summary>Returns the name of an entity within its region.</summary>
    public static string Of(PersistenceId id) => $"{id.Vault}{Separator}{id.Entity}";

    /// <summary>Parses a name to the entity's id.</summary>
    public static PersistenceId Read(string type, string address)
    {
        var end = address.IndexOf(Separator, StringComparison.Ordinal);
        return new PersistenceId(type, new VaultId(address[..end]), address[(end + 1)..]);
    }

    /// <summary>
    /// Returns the extractor that spreads entities over a number of shards by a stable hash of their names.
    /// </summary>
    public static IMessageExtractor Extractor(int shards) => HashCodeMessageExtractor.Create(
        shards,
        message => (message as ToEntity)?.Entity,
        message => message is ToEntity letter ? letter.Message : message);
}

/// <summary>A message addressed to an entity.</summary>
/// <param name="Type">The entity type.</param>
/// <param name="Entity">The entity's name within its region.</param>
/// <param name="Message">The message itself.</param>
internal sealed record ToEntity(string Type, string Entity, object Message) : IClusterMessage;
